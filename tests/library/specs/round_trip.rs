//! Laws of the spec's text, for specs and texts at random.

use std::path::Path;

use apd::{
    attribution::{Attribution, AttributionsAt},
    fit::Training,
    graph::Activation,
    initial_values::{InitialValues, Shape},
    inputs::{GatedInputs, IndependentFeatures, Inputs},
    method::{
        Method,
        apd::{Apd, Coefficients, Columns, LastComponent},
    },
    network::{
        Biases, Embedding, GatedFunctions, HiddenKind, LabelCoefficients, Labels, Loss, Network, ResidualMlp, Tms,
    },
    schedule::Schedule,
    selection::{BatchTopK, Selection},
    spec::{Measurement, Spec, Target, load, parse},
};
use proptest::prelude::*;

fn initial_values() -> impl Strategy<Value = InitialValues> {
    let distribution = prop_oneof![Just(Shape::Normal), Just(Shape::Uniform)];
    (0..1_000_000_u64, 1e-9..1e9, distribution).prop_map(|(instances, scale, distribution)| InitialValues {
        instances,
        scale,
        distribution,
    })
}

fn schedule() -> impl Strategy<Value = Schedule> {
    prop_oneof![
        Just(Schedule::Constant),
        Just(Schedule::Linear),
        Just(Schedule::Cosine),
        (1e-9..1e9).prop_map(|half_life| Schedule::Exponential { half_life }),
        (0.0..1.0).prop_map(|final_share| Schedule::CosineDecay { final_share }),
        (0.0..1.0).prop_map(|final_share| Schedule::LinearDecay { final_share }),
    ]
}

fn training() -> impl Strategy<Value = Training> {
    (1..1_000_000_u64, 100..1_000_000_usize, 1e-12..1e3, 0.0..1.0, 0.0..9.0, schedule()).prop_map(
        |(steps, batch, learning_rate, warm_up, weight_decay, schedule)| Training {
            steps,
            batch,
            learning_rate,
            warm_up,
            weight_decay,
            schedule,
        },
    )
}

fn network() -> impl Strategy<Value = Network> {
    let kind = prop_oneof![Just(HiddenKind::Trained), Just(HiddenKind::Identity), Just(HiddenKind::Random)];
    let tms = (1..100_000_usize, 1..100_000_usize, 1..100_usize, kind, any::<bool>()).prop_map(
        |(features, hidden, hidden_layers, hidden_kind, tied)| {
            Network::Tms(Tms { features, hidden, hidden_layers, hidden_kind, tied })
        },
    );
    prop_oneof![tms, residual_mlp()]
}

fn residual_mlp() -> impl Strategy<Value = Network> {
    let activation = prop_oneof![Just(Activation::Relu), Just(Activation::Gelu)];
    let biases = prop_oneof![Just(Biases::None), Just(Biases::Inner), Just(Biases::Outer), Just(Biases::Both)];
    let embedding = prop_oneof![Just(Embedding::Random), Just(Embedding::Trained)];
    let labels = prop_oneof![Just(Labels::Activation), Just(Labels::Absolute)];
    let coefficients = prop_oneof![Just(LabelCoefficients::One), Just(LabelCoefficients::Drawn)];
    let judged = prop_oneof![(Just(Loss::Outputs), 1e-9..=1.0), Just((Loss::ResidualStream, 1.0))];
    let sizes = (1..100_000_usize, 1..100_000_usize, 1..1_000_usize, 1..100_usize);
    (sizes, activation, biases, embedding, labels, coefficients, judged).prop_map(
        |(sizes, activation, biases, embedding, labels, label_coefficients, (loss, importance_base))| {
            let (features, width, neurons, layers) = sizes;
            let embedding = if loss == Loss::ResidualStream { Embedding::Random } else { embedding };
            let neurons = neurons * layers;
            Network::ResidualMlp(ResidualMlp {
                features,
                width,
                neurons,
                layers,
                activation,
                biases,
                embedding,
                labels,
                label_coefficients,
                loss,
                importance_base,
            })
        },
    )
}

fn inputs() -> impl Strategy<Value = Inputs> {
    (1e-9..1.0, -1e9..0.0, 1e-9..1e9)
        .prop_map(|(probability, low, high)| Inputs::Independent(IndependentFeatures { probability, low, high }))
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![trained_target(), gated_functions()]
}

fn trained_target() -> impl Strategy<Value = Target> {
    (proptest::option::of(0..=i64::MAX as u64), digest(), network(), initial_values(), inputs(), training()).prop_map(
        |(seed, imported, network, initial_values, inputs, training)| Target {
            seed,
            imported,
            network,
            initial_values: Some(initial_values),
            inputs,
            training: Some(training),
        },
    )
}

fn digest() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[0-9a-f]{64}")
}

fn gated_functions() -> impl Strategy<Value = Target> {
    let network = (1..100_usize, 2..100_usize, 1..5_usize).prop_map(|(functions, neurons, layers)| {
        Network::GatedFunctions(GatedFunctions { functions, neurons_per_function: neurons * layers, layers })
    });
    let inputs = (1e-9..=1.0, 0.0..2.0, 2.0..=5.0)
        .prop_map(|(probability, low, high)| Inputs::Gated(GatedInputs { probability, low, high }));
    (network, inputs).prop_map(|(network, inputs)| Target {
        seed: None,
        imported: None,
        network,
        initial_values: None,
        inputs,
        training: None,
    })
}

fn method() -> impl Strategy<Value = Method> {
    let coefficients =
        (0.0..9.0, 0.0..9.0, 0.0..9.0, 0.0..9.0).prop_map(|(faithfulness, minimality, simplicity, output)| {
            Coefficients { faithfulness, minimality, simplicity, hidden: 0.0, output }
        });
    let selection = prop_oneof![
        (0.01..1.0).prop_map(|k| Selection::BatchTopK(BatchTopK { k })),
        Just(Selection::SampleTopK { k: 1 }),
        Just(Selection::Exact {}),
        (1e-9..2.0).prop_map(|power| Selection::Lp { power }),
    ];
    let attribution = prop_oneof![
        Just(Attribution::Gradient),
        Just(Attribution::Ablation),
        Just(Attribution::Activation),
        (1..64_usize).prop_map(|points| Attribution::IntegratedGradient { points }),
    ];
    let attributions_at = prop_oneof![Just(AttributionsAt::Target), Just(AttributionsAt::Sum)];
    let columns = prop_oneof![Just(Columns::Free), Just(Columns::UnitNorm)];
    let sizes = (2..100_000_usize, 1..100_000_usize, 1e-9..2.0, 0.0..1.0, 0.0..1.0, 0.0..1.0, 0.0..1.0);
    (sizes, coefficients, initial_values(), selection, attribution, attributions_at, columns)
        .prop_filter("the L_p form wants gradients", |(_, _, _, selection, attribution, ..)| {
            selection.lp_power().is_none() || *attribution == Attribution::Gradient
        })
        .prop_map(
            |(
                (components, rank, schatten_power, rank_growth, simplicity_rise, simplicity_fade, activity_floor),
                coefficients,
                initial_values,
                selection,
                attribution,
                attributions_at,
                columns,
            )| {
                Method::Apd(Apd {
                    components,
                    rank,
                    schatten_power,
                    rank_growth,
                    simplicity_rise,
                    simplicity_fade,
                    activity_floor: if selection.lp_power().is_some() { 0.0 } else { activity_floor },
                    attribution,
                    attributions_at,
                    columns,
                    last_component: LastComponent::Selected,
                    coefficients,
                    initial_values,
                    selection,
                })
            },
        )
}

fn measurement() -> impl Strategy<Value = Measurement> {
    (1..1_000_000_usize, 1e-9..1.0).prop_map(|(samples, rank_threshold)| Measurement { samples, rank_threshold })
}

fn spec() -> impl Strategy<Value = Spec> {
    let seeds = proptest::collection::hash_set(0..=i64::MAX as u64, 1..20);
    ("[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,63}", seeds, digest(), target(), method(), training(), measurement()).prop_map(
        |(name, seeds, imported_components, target, method, decomposition, measurement)| Spec {
            format: 1,
            name,
            seeds: seeds.into_iter().collect(),
            imported_components,
            target,
            method,
            decomposition,
            measurement,
        },
    )
}

proptest! {
    #[test]
    fn a_resolved_spec_loads_again_to_itself(spec in spec()) {
        let text = spec.to_toml();
        let again = parse(Path::new("x.toml"), &text, &[]).unwrap_or_else(|error| panic!("{error}\n{text}"));
        prop_assert_eq!(spec.hash(), again.hash());
        prop_assert_eq!(spec.target.hash(), again.target.hash());
        prop_assert_eq!(spec, again);
    }

    #[test]
    fn no_bytes_whatever_make_the_loader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        let _ = load(file.path(), &[]).map_err(|error| error.render(true));
    }

    #[test]
    fn no_text_whatever_makes_the_reader_panic(text in any::<String>(), setting in any::<String>()) {
        let _ = parse(Path::new("x.toml"), &text, &[setting]).map_err(|error| error.render(true));
    }

    /// Pieces of specs in the wrong places.
    #[test]
    fn no_muddle_of_tokens_makes_the_reader_panic(
        tokens in proptest::collection::vec(prop_oneof![
            Just("seeds"), Just("name"), Just("target"), Just("method"), Just("apd"), Just("decomposition"), Just("schedule"),
            Just("["), Just("]"), Just("{"), Just("}"), Just(" = "), Just("."), Just(","), Just("\n"), Just("\r\n"), Just("\""),
            Just("'''"), Just("#"), Just("1"), Just("-1"), Just("0x"), Just("1e400"), Just("nan"), Just("true"), Just("é"),
            Just("1979-05-27"), Just("\t"), Just("\u{feff}"),
        ], 0..60)
    ) {
        let text = tokens.concat();
        let _ = parse(Path::new("x.toml"), &text, std::slice::from_ref(&text)).map_err(|error| error.render(true));
    }

    /// A shipped spec with one of its bytes changed.
    #[test]
    fn no_slip_of_a_finger_makes_the_reader_panic(place in any::<proptest::sample::Index>(), letter in any::<char>()) {
        let mut text: Vec<char> = include_str!("../../../experiments/tms_5-2.toml").chars().collect();
        let place = place.index(text.len());
        text[place] = letter;
        let _ = parse(Path::new("x.toml"), &String::from_iter(text), &[]).map_err(|error| error.render(true));
    }

    #[test]
    fn no_value_of_set_makes_the_reader_panic(key in "[a-z_.]{0,20}", value in "\\PC{0,20}") {
        let setting = format!("method.{key}={value}");
        let text = include_str!("../../../experiments/tms_5-2.toml");
        let _ = parse(Path::new("x.toml"), text, &[setting]).map_err(|error| error.render(true));
    }
}
