//! Parity of Stochastic Parameter Decomposition with golden cases: short trainings computed in float64 by slow, literal code,
//! with every random number given.
//!
//! The cases are in `tests/spd_cases`, or in the folder that the environment variable `APD_SPD_CASES` names. Each is judged by
//! itself and among other replicas.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use apd::{
    components::{Components, Factors},
    fit::{Moment, Objective, Term, Training, total},
    graph::Activation,
    method::{
        Annealed, Decomposed,
        spd::{
            Coefficients, Drawn, Draws, FaithfulnessIn, FaithfulnessWarmUp, Frequency, FreshAdversary, Gate,
            Generation, ImportanceFunction, ImportanceFunctions, ImportanceKind, InitialFactors, LargestGradientNorms,
            Masks, Penalty, PersistentAdversary, Routing, Scope, Spd, SpdObjective, Start, Subcomponents, TiedWeights,
        },
    },
    metric::{Contributions, dense_error, identity_error, recovery},
    network::{Biases, Embedding, HiddenKind, LabelCoefficients, Labels, Loss, Network, ResidualMlp, Tms},
    optimizer::{Adam, Parameter, Rate},
    random::philox::Rows,
    schedule::Schedule,
    site::SiteIndex,
    weights::Weights,
};
use serde_json::Value;
use tch::{Kind, Tensor};

/// Largest difference, as a share of the tensor's largest magnitude, that float32 may show.
const TOLERANCE: f64 = 1e-5;
const TRAINED_TOLERANCE: f64 = 1e-4;

/// Copies of a case that are trained beside it, shifted by one sample so that a mix-up of replicas would show.
const COMPANY: i64 = 2;

struct Case {
    name: String,
    description: Value,
    inputs: Vec<(String, Tensor)>,
    expected: Vec<(String, Tensor)>,
    /// Of the case itself.
    replicas: i64,
    /// That are trained together: the case's, and perhaps others after them.
    trained: i64,
}

fn find(tensors: &[(String, Tensor)], name: &str) -> Option<Tensor> {
    tensors.iter().find(|(found, _)| found == name).map(|(_, tensor)| tensor.shallow_clone())
}

impl Case {
    fn read(folder: &Path) -> Self {
        let tensors = |file: &str| Tensor::read_safetensors(folder.join(file)).unwrap();
        let description: Value = serde_json::from_slice(&fs::read(folder.join("case.json")).unwrap()).unwrap();
        let replicas = description["replicas"].as_i64();
        let with_replicas = |tensors: Vec<(String, Tensor)>| {
            let lead = |tensor: Tensor| if replicas.is_some() { tensor } else { tensor.unsqueeze(0) };
            tensors.into_iter().map(|(name, tensor)| (name, lead(tensor))).collect()
        };
        Self {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            inputs: with_replicas(tensors("inputs.safetensors")),
            expected: with_replicas(tensors("expected.safetensors")),
            replicas: replicas.unwrap_or(1),
            trained: replicas.unwrap_or(1),
            description,
        }
    }

    fn among_others(mut self) -> Self {
        self.trained = self.replicas + COMPANY;
        self
    }

    /// The options of a replica; the company has those of the first.
    fn options(&self, replica: i64) -> &Value {
        let options = &self.description["options"];
        options.as_array().map_or(options, |all| &all[if replica < self.replicas { replica as usize } else { 0 }])
    }

    fn uses(&self) -> Vec<&str> {
        self.description["uses"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
    }

    fn is_tied(&self) -> bool {
        self.description["tying"] != "untied"
    }

    /// A float32 input of all replicas that are trained.
    fn input(&self, name: &str) -> Option<Tensor> {
        let own = find(&self.inputs, name)?.to_kind(Kind::Float);
        let company = |number| own.narrow(0, 0, 1).roll([number + 1], [own.dim() as i64 - 1]);
        let all: Vec<Tensor> =
            std::iter::once(own.shallow_clone()).chain((0..self.trained - self.replicas).map(company)).collect();
        Some(Tensor::cat(&all, 0))
    }

    fn network(&self) -> Network {
        let settings = &self.description["settings"];
        let count = |key: &str| settings[key].as_u64().unwrap() as usize;
        let size = |name: &str| find(&self.inputs, name).map(|tensor| tensor.size()[1..].to_vec());
        if self.description["kind"] == "tms" {
            let size = size("target.embed").unwrap();
            return Network::Tms(Tms {
                features: size[0] as usize,
                hidden: size[1] as usize,
                hidden_layers: count("n_hidden_layers"),
                hidden_kind: HiddenKind::Trained,
                tied: self.is_tied(),
            });
        }
        let (embedding, layer) = (size("target.W_E").unwrap(), size("target.layers.0.mlp_in").unwrap());
        Network::ResidualMlp(ResidualMlp {
            features: embedding[0] as usize,
            width: embedding[1] as usize,
            neurons: layer[1] as usize * count("n_layers"),
            layers: count("n_layers"),
            activation: match settings["activation"].as_str().unwrap() {
                "relu" => Activation::Relu,
                "gelu" => Activation::Gelu,
                other => panic!("{}: unknown activation {other}", self.name),
            },
            biases: match (size("target.b_in"), size("target.b_out")) {
                (None, None) => Biases::None,
                (Some(_), None) => Biases::Inner,
                (None, Some(_)) => Biases::Outer,
                (Some(_), Some(_)) => Biases::Both,
            },
            embedding: Embedding::Random,
            labels: Labels::Activation,
            label_coefficients: LabelCoefficients::One,
            loss: Loss::Outputs,
            importance_base: 1.0,
        })
    }

    /// The files keep the biases of all layers in one tensor.
    fn target(&self, name: &str) -> Option<Tensor> {
        let parts: Vec<&str> = name.split('.').collect();
        match parts[..] {
            [_, layer, bias @ ("b_in" | "b_out")] => {
                Some(self.input(&format!("target.{bias}"))?.select(1, layer.parse().unwrap()))
            }
            _ => self.input(&format!("target.{name}")),
        }
    }

    fn components(&self, network: &Network) -> Components {
        let factors = network.sites().map(|site| Factors {
            a: self.input(&format!("subcomponents.{}.V", site.name)).unwrap().unsqueeze(3).contiguous(),
            b: self.input(&format!("subcomponents.{}.U", site.name)).unwrap().unsqueeze(2).contiguous(),
        });
        Components::at_one_site_each(factors)
    }

    fn kind(&self) -> ImportanceKind {
        match self.options(0)["importance_function"].as_str().unwrap() {
            "mlp" => ImportanceKind::Mlp,
            "vector_mlp" => ImportanceKind::VectorMlp,
            "shared_mlp" => ImportanceKind::SharedMlp,
            "global_mlp" => ImportanceKind::GlobalMlp,
            other => panic!("{}: unknown importance function {other}", self.name),
        }
    }

    fn functions(&self) -> ImportanceFunctions {
        let uses = if self.kind() == ImportanceKind::GlobalMlp { vec!["all"] } else { self.uses() };
        let layers = self.description["hidden_widths"].as_array().unwrap().len() + 1;
        let of_use = |name: &str| {
            let prefix = format!("importance_function.{name}");
            ImportanceFunction::from_files(&prefix, layers, |name| self.input(name)).unwrap()
        };
        let numbers = vec![self.description["components"].as_i64().unwrap(); self.uses().len()];
        ImportanceFunctions::new(self.kind(), uses.into_iter().map(of_use).collect(), numbers)
    }

    fn settings(&self, replica: i64) -> Spd {
        let options = self.options(replica);
        let number = |table: &Value, key: &str| table[key].as_f64();
        let coefficient = |key: &str| Annealed::Constant(number(&options["coefficients"], key).unwrap_or(0.0));
        let penalty = &options["penalty"];
        let frequency =
            Frequency { weight: number(penalty, "beta").unwrap_or(0.0), reference: number(penalty, "reference") };
        let annealed = |start: f64| match number(penalty, "final") {
            None => Annealed::Constant(start),
            Some(final_value) => Annealed::Linear {
                start,
                final_value,
                begin: number(penalty, "begin").unwrap_or(1.0),
                end: number(penalty, "end").unwrap_or(1.0),
            },
        };
        let penalty = match (number(penalty, "p"), number(penalty, "gamma")) {
            (Some(power), None) => Penalty::Lp { power: annealed(power) },
            (None, Some(gamma)) => Penalty::SmoothL0 { gamma: annealed(gamma) },
            _ => panic!("{}: one penalty", self.name),
        };
        let (faithful, relative) = (coefficient("faithfulness"), coefficient("relative_faithfulness"));
        let in_lengths = relative != Annealed::Constant(0.0);
        let warm_up = &options["faithfulness_warmup"];
        let (pgd, persistent) = (&options["pgd"], &options["persistent"]);
        let merged = options["coefficients"]["merged"].is_number();
        Spd {
            generation: Generation::Spd,
            subcomponents: Subcomponents::Number(self.description["components"].as_u64().unwrap() as usize),
            tied_weights: match self.description["tying"].as_str().unwrap() {
                "untied" => TiedWeights::Apart,
                "tied" => TiedWeights::Together,
                "shared_storage" => TiedWeights::SharedStorage,
                other => panic!("{}: unknown tying {other}", self.name),
            },
            delta_component: self.description["remainder"].as_bool().unwrap(),
            importance_function: self.kind(),
            hidden_widths: Vec::new(),
            gate: match options["gate"].as_str() {
                None | Some("leak_backward") => Gate::LeakBackward,
                Some("leaky") => Gate::Leaky,
                Some("hard") => Gate::Hard,
                Some(other) => panic!("{}: unknown gate {other}", self.name),
            },
            masks: Masks::Uniform,
            mask_samples: self.description["mask_samples"].as_u64().unwrap() as usize,
            active_above: number(options, "rounding_threshold").unwrap(),
            initial_factors: InitialFactors::Random,
            faithfulness: if in_lengths { FaithfulnessIn::Lengths } else { FaithfulnessIn::Weights },
            coefficients: Coefficients {
                faithfulness: if in_lengths { relative } else { faithful },
                importance: coefficient("importance"),
                stochastic: coefficient("stochastic"),
                layerwise: coefficient("layerwise"),
                subset: coefficient("subset"),
                unmasked: coefficient("unmasked"),
                importance_masked: coefficient("importance_masked"),
            },
            penalty,
            frequency,
            faithfulness_warm_up: warm_up.is_object().then(|| FaithfulnessWarmUp {
                steps: warm_up["steps"].as_u64().unwrap(),
                learning_rate: number(warm_up, "lr").unwrap(),
                weight_decay: number(warm_up, "decay").unwrap_or(0.0),
            }),
            fresh_adversary: pgd.is_object().then(|| FreshAdversary {
                coefficient: coefficient("pgd"),
                steps: pgd["steps"].as_u64().unwrap(),
                step_size: number(pgd, "step_size").unwrap(),
                scope: if options["pgd_scope"] == "sample" { Scope::Sample } else { Scope::Batch },
                routing: if options["pgd_routing"].is_string() { Routing::Subset } else { Routing::All },
                start: Start::Random,
            }),
            persistent_adversary: persistent.is_object().then(|| PersistentAdversary {
                coefficient: coefficient(if merged { "merged" } else { "persistent" }),
                sources: None,
                ascents: persistent["warmup"].as_u64().unwrap(),
                learning_rate: number(persistent, "lr").unwrap(),
                warm_up: 0.0,
                first_decay: persistent["betas"][0].as_f64().unwrap(),
                second_decay: persistent["betas"][1].as_f64().unwrap(),
                merged_share: merged.then_some(0.5),
            }),
            largest_gradient_norms: LargestGradientNorms {
                factors: number(&options["optimizer"]["clip"], "factors"),
                importance_functions: number(&options["optimizer"]["clip"], "importance"),
            },
        }
    }

    fn training(&self, replica: i64) -> Training {
        let optimizer = &self.options(replica)["optimizer"];
        let final_share = optimizer["final"].as_f64().unwrap_or(1.0);
        Training {
            steps: optimizer["steps"].as_u64().unwrap(),
            batch: 1,
            learning_rate: optimizer["lr"].as_f64().unwrap(),
            warm_up: optimizer["warmup"].as_f64().unwrap_or(0.0),
            weight_decay: 0.0,
            schedule: match optimizer["schedule"].as_str().unwrap() {
                "constant" => Schedule::Constant,
                "cosine" => Schedule::CosineDecay { final_share },
                "linear" => Schedule::LinearDecay { final_share },
                other => panic!("{}: unknown schedule {other}", self.name),
            },
        }
    }

    fn objective(&self) -> SpdObjective {
        let network = self.network();
        let weights = Weights::from_files(&network, |name| self.target(name)).unwrap();
        let settings = (0..self.trained).map(|replica| self.settings(replica)).collect();
        let seeds = vec![0; self.trained as usize];
        let components = self.components(&network);
        let objective = SpdObjective::new(Arc::new(network), &weights, settings, seeds, components, self.functions());
        let sources: Option<Vec<Tensor>> =
            self.uses().iter().map(|name| self.input(&format!("persistent.{name}"))).collect();
        match sources {
            Some(sources) => objective.with_adversary(sources),
            None => objective,
        }
    }

    /// Asserts that of `actual` [replica, ...] the case's own replicas are the expected tensor of this name.
    fn assert_close(&self, name: &str, actual: &Tensor, tolerance: f64) {
        let expected =
            find(&self.expected, name).unwrap_or_else(|| panic!("{}: nothing expected of {name}", self.name));
        let actual = actual.narrow(0, 0, self.replicas).to_kind(Kind::Double).contiguous().view_as(&expected);
        let difference = (actual - &expected).abs().max().double_value(&[]);
        let allowed = tolerance * expected.abs().max().double_value(&[]);
        assert!(
            difference <= allowed,
            "{} ({} replicas): {name} differs by {difference:e}, allowed {allowed:e}",
            self.name,
            self.trained
        );
    }

    /// As files have it, `embed.V` of `embed.A`.
    fn file_name(name: &str) -> String {
        match name.rsplit_once('.') {
            Some((site, "A")) => format!("{site}.V"),
            Some((site, "B")) => format!("{site}.U"),
            _ => name.replace("embed.transposed", "unembed"),
        }
    }

    fn assert_parameters_are_close(&self, prefix: &str, parameters: &[Parameter], tolerance: f64, derivative: bool) {
        // The memory of tied weights, which stands there twice, is compared once.
        for parameter in parameters.iter().filter(|parameter| !parameter.name.ends_with("B.transposed")) {
            let tensor = if derivative { &parameter.gradient } else { &parameter.value };
            let name = match parameter.name.as_str() {
                "embed.A.transposed" if derivative => "unembed.U".to_string(),
                "embed.A.transposed" => continue,
                name => Self::file_name(name),
            };
            let in_file_order =
                if name == "unembed.U" && self.is_tied() { tensor.squeeze_dim(3).mt() } else { tensor.shallow_clone() };
            self.assert_close(&format!("{prefix}.{name}"), &in_file_order, tolerance);
        }
    }

    /// What is said of the start: importances on inputs with one active feature and the measures of them, and how the
    /// embedding's subcomponents compare with it, or neuron contributions.
    fn check_metrics(&self, objective: &SpdObjective) {
        let network = self.network();
        let features = network.features() as i64;
        let one_hot: Tensor =
            0.75 * Tensor::eye(features, (Kind::Float, tch::Device::Cpu)).expand([self.trained, -1, -1], false);
        let draws = GivenDraws { case: self, step: 0 };
        let probes = objective.importances_at_uses(&one_hot.contiguous(), &draws);
        for (name, probe) in self.uses().iter().zip(&probes) {
            self.assert_close(&format!("probe.{name}"), probe, TOLERANCE);
            for replica in 0..self.replicas {
                let table = Vec::<Vec<f64>>::try_from(probe.get(replica).to_kind(Kind::Double)).unwrap();
                let dense_k = self.options(replica)["dense_k"].as_u64().unwrap() as usize;
                let of_tolerance = |place: i64, tolerance: f64| {
                    let expected = |metric: &str| {
                        let found = find(&self.expected, &format!("metric.{metric}.{name}"))?;
                        Some(found.get(replica).int64_value(&[place]) as usize)
                    };
                    let what = format!("{}: {name}, replica {replica}, tolerance {tolerance}", self.name);
                    assert_eq!(identity_error(&table, tolerance), expected("identity_error"), "{what}");
                    assert_eq!(dense_error(&table, dense_k, tolerance), expected("dense_error"), "{what}");
                };
                of_tolerance(0, 0.1);
                of_tolerance(1, 0.2);
            }
        }
        let weights = Weights::from_files(&network, |name| self.target(name)).unwrap();
        for replica in 0..self.replicas {
            let components = objective.components().replica(replica as usize);
            let assert_is = |name: &str, found: f64| {
                let expected = find(&self.expected, name).unwrap().get(replica).double_value(&[0]);
                assert!((found - expected).abs() <= TOLERANCE * expected.abs(), "{}: {name} {found}", self.name);
            };
            let Network::ResidualMlp(mlp) = &network else {
                let matrices = components.factors[SiteIndex(0)].matrices().squeeze_dim(0);
                let verdict = recovery(&weights.sites[SiteIndex(0)].get(replica), &matrices).verdict.unwrap();
                assert_is("metric.mmcs", verdict.mmcs);
                assert_is("metric.ml2r", verdict.ml2r);
                continue;
            };
            let contributions = Contributions::new(mlp, &weights.replica(replica as usize), &components);
            let neurons = mlp.neurons / mlp.layers;
            for layer in 0..mlp.layers {
                let name = format!("neuron_contributions.{layer}");
                let expected = find(&self.expected, &name).unwrap().get(replica);
                let best = find(&self.expected, &format!("{name}.subcomponent")).unwrap().get(replica);
                let first = components.numbers_at(SiteIndex(2 * layer)).start;
                for feature in 0..features {
                    let component = first + best.int64_value(&[feature]);
                    let found = contributions.of_component(component as usize, feature as usize);
                    let found = Tensor::from_slice(&found[layer * neurons..(layer + 1) * neurons]);
                    let difference = (found - expected.get(feature)).abs().max().double_value(&[]);
                    let allowed = TOLERANCE * expected.abs().max().double_value(&[]);
                    assert!(difference <= allowed, "{}: {name}, feature {feature}: {difference:e}", self.name);
                }
            }
        }
    }

    fn check(&self) {
        let mut objective = self.objective();
        self.check_metrics(&objective);
        if self.options(0)["faithfulness_warmup"].is_object() {
            objective.warm_up_faithfulness();
            let factors: Vec<Parameter> =
                objective.parameters().into_iter().filter(|parameter| parameter.group == 0).collect();
            self.assert_parameters_are_close("after_warmup", &factors, TRAINED_TOLERANCE, false);
        }
        let trainings: Vec<Training> = (0..self.trained).map(|replica| self.training(replica)).collect();
        let parameters = objective.parameters();
        let mut optimizer = Adam::of_groups(objective.parameters(), objective.groups(self.trained as usize));
        let x = self.input("x").unwrap();
        let mut history: Vec<Vec<Term>> = Vec::new();
        for step in 0..self.description["optimizer_steps"].as_i64().unwrap() {
            let input = x.select(1, step).contiguous();
            let draws = GivenDraws { case: self, step };
            if step == 0 {
                let importances = objective.importances_at_uses(&input, &draws);
                for (name, importance) in self.uses().iter().zip(&importances) {
                    self.assert_close(&format!("importance.{name}"), importance, TOLERANCE);
                    let active = importance.gt(0.1).to_kind(Kind::Double);
                    let active = active.sum_dim_intlist([2].as_slice(), false, Kind::Double);
                    self.assert_close(
                        &format!("metric.l0.{name}"),
                        &active.mean_dim([1].as_slice(), true, None),
                        1e-12,
                    );
                }
            }
            let moment = Moment::before(step as u64, trainings[0].steps).logged();
            history.push(objective.add_gradients_with(moment, &input, &draws));
            if step == 0 {
                self.assert_parameters_are_close("grad", &parameters, TOLERANCE, true);
            }
            let rates: Vec<Rate> = trainings.iter().map(|training| training.rate(step as u64)).collect();
            optimizer.update(step as u64 + 1, &rates);
        }
        self.check_terms(&history);
        self.assert_parameters_are_close("final", &parameters, TRAINED_TOLERANCE, false);
        for (name, sources) in objective.state() {
            if let Some(name) = name.strip_prefix("adversary.sources.") {
                self.assert_close(&format!("final.persistent.{name}"), &sources, TRAINED_TOLERANCE);
            }
        }
    }

    fn check_terms(&self, history: &[Vec<Term>]) {
        let of_steps = |name: &str| {
            let of_step = |terms: &Vec<Term>| {
                let term = if name == "total" {
                    Some(total(terms))
                } else {
                    terms.iter().find(|term| term.name == name).cloned()
                };
                Some(Tensor::from_slice(&term?.values))
            };
            let values: Option<Vec<Tensor>> = history.iter().map(of_step).collect();
            values.map(|values| Tensor::stack(&values, 1))
        };
        for (expected, _) in &self.expected {
            let Some((kind @ ("loss" | "monitor"), name)) = expected.split_once('.') else { continue };
            let ours = match name {
                "relative_faithfulness" => "faithfulness",
                "pgd" => "fresh_adversary",
                "persistent" => "persistent_adversary",
                other => other,
            };
            if kind == "monitor"
                && ours == "faithfulness"
                && self.options(0)["coefficients"]["relative_faithfulness"].is_number()
            {
                continue;
            }
            let values = of_steps(ours).unwrap_or_else(|| panic!("{}: no {name}", self.name));
            self.assert_close(expected, &values, TOLERANCE);
        }
    }
}

/// The random numbers that a case gives for a step.
struct GivenDraws<'a> {
    case: &'a Case,
    step: i64,
}

impl GivenDraws<'_> {
    fn term(drawn: Drawn) -> &'static str {
        match drawn {
            Drawn::Stochastic => "stochastic",
            Drawn::Layerwise => "layerwise",
            Drawn::Subset => "subset",
            Drawn::FreshAdversary => "pgd",
            Drawn::Merged => "merged",
            Drawn::Gate | Drawn::Random => panic!("no case is trained with {drawn:?}"),
        }
    }

    /// [replica, ...] of this step and, where a case has several, this draw.
    fn given(&self, name: &str, drawn: Drawn, draw: usize) -> Tensor {
        let tensor = self.case.input(name).unwrap_or_else(|| panic!("{}: no {name}", self.case.name));
        let of_step = tensor.select(1, self.step);
        let has_draws = matches!(drawn, Drawn::Stochastic | Drawn::Layerwise | Drawn::Subset);
        if has_draws { of_step.select(1, draw as i64) } else { of_step }
    }
}

impl Draws for GivenDraws<'_> {
    fn sources(&self, drawn: Drawn, draw: usize, place: usize, rows: Rows, _: i64) -> Tensor {
        let name = format!("sources.{}.{}", Self::term(drawn), self.case.uses()[place]);
        of_rows(&self.given(&name, drawn, draw), rows)
    }

    fn routes(&self, drawn: Drawn, draw: usize, rows: Rows, _: i64) -> Tensor {
        let of_use = |name: &&str| self.given(&format!("route.{}.{name}", Self::term(drawn)), drawn, draw);
        of_rows(&Tensor::stack(&self.case.uses().iter().map(of_use).collect::<Vec<_>>(), 2), rows)
    }

    /// Below one half where the adversary is faced.
    fn choices(&self, rows: Rows) -> Tensor {
        let not_faced: Tensor = 1.0 - self.case.input("adversarial").unwrap().select(1, self.step);
        of_rows(&not_faced.unsqueeze(2), rows)
    }
}

/// Those rows of a tensor [replica, sample, ...].
fn of_rows(tensor: &Tensor, rows: Rows) -> Tensor {
    match rows {
        Rows::Below(_) => tensor.contiguous(),
        Rows::Numbered(rows) => {
            let of_replica = |replica| tensor.get(replica).index_select(0, &rows.get(replica));
            Tensor::stack(&(0..tensor.size()[0]).map(of_replica).collect::<Vec<_>>(), 0)
        }
    }
}

fn folders() -> Vec<PathBuf> {
    let folder = std::env::var_os("APD_SPD_CASES").map_or_else(|| PathBuf::from("tests/spd_cases"), PathBuf::from);
    let mut folders: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

#[test]
fn every_case_of_stochastic_parameter_decomposition_agrees_alone_and_among_others() {
    let folders = folders();
    for folder in &folders {
        Case::read(folder).check();
        Case::read(folder).among_others().check();
    }
    // Not by println!, which the test harness would keep to itself.
    writeln!(io::stderr(), "{} golden cases of SPD judged", folders.len()).unwrap();
    assert!(!folders.is_empty(), "there is no case");
}
