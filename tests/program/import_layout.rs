//! Imports of networks and components whose layout or names are not ours: what is read, what the terminal says about it,
//! and what is refused until the user says more.

use std::{fs, path::Path};

use crate::cli_test::{Ended, Test};
use crate::import::in_runs;
use crate::support::assert_close;
use apd::{
    network::Network,
    run::{TensorFile, read_tensors, write_tensors},
    state_dict_file::{
        FactorLayout, ImportOptions, ImportedComponents, ImportedTarget, Rename, StateDictFile, TargetLayout,
    },
};
use snapbox::str;
use tch::{Device, Kind, Tensor};

type Tensors = Vec<(String, Tensor)>;

/// Some numbers, others for each `start`.
fn numbers(shape: &[i64], start: i64) -> Tensor {
    let count: i64 = shape.iter().product();
    (Tensor::arange(count, (Kind::Float, tch::Device::Cpu)) + start * 10).sin().reshape(shape)
}

fn named(tensors: &[(&str, Tensor)]) -> Tensors {
    tensors.iter().map(|(name, tensor)| (name.to_string(), tensor.shallow_clone())).collect()
}

/// With these tensors as a safetensors file of another program, which says nothing about its axes.
fn with(test: Test, name: &str, tensors: &[(String, Tensor)]) -> Test {
    test.with_change(|folder| write_tensors(&folder.join(name), tensors, &[]).unwrap())
}

fn read(tensors: &[(String, Tensor)]) -> StateDictFile {
    let test = with(Test::new(), "x", tensors);
    StateDictFile::read(&test.folder.path().join("x")).unwrap()
}

fn target(tensors: &[(String, Tensor)], options: &ImportOptions<TargetLayout>) -> Result<ImportedTarget, String> {
    ImportedTarget::find(&read(tensors), Path::new("x"), options).map_err(|error| error.what().to_string())
}

fn linear() -> ImportOptions<TargetLayout> {
    ImportOptions { layout: Some(TargetLayout::Linear), ..ImportOptions::default() }
}

fn relu_mlp(residual: &Tensor, layer: &[&Tensor; 4]) -> Tensor {
    let [w_in, b_in, w_out, b_out] = layer;
    let linear = |x: &Tensor, weight: &Tensor, bias: &Tensor| x.matmul(&weight.tr()) + bias;
    residual + linear(&linear(residual, w_in, b_in).relu(), w_out, b_out)
}

/// A residual MLP as goodfire-ai/spd has it: W_E and W_U are parameters, the layers are `torch.nn.Linear`.
fn residual_mlp(features: i64, width: i64, neurons: i64) -> Tensors {
    deep_residual_mlp(2, [features, width, neurons])
}

fn deep_residual_mlp(layers: i64, [features, width, neurons]: [i64; 3]) -> Tensors {
    let mut tensors = named(&[("W_E", numbers(&[features, width], 1)), ("W_U", numbers(&[width, features], 2))]);
    for layer in 0..layers {
        tensors.extend(named(&[
            (&format!("layers.{layer}.mlp_in.weight"), numbers(&[neurons, width], 3 + layer)),
            (&format!("layers.{layer}.mlp_in.bias"), numbers(&[neurons], 5 + layer)),
            (&format!("layers.{layer}.mlp_out.weight"), numbers(&[width, neurons], 7 + layer)),
            (&format!("layers.{layer}.mlp_out.bias"), numbers(&[width], 9 + layer)),
        ]));
    }
    tensors
}

/// Its output as `torch` computes it.
fn output_of_residual_mlp(tensors: &[(String, Tensor)], input: &Tensor) -> Tensor {
    let tensors: Vec<&Tensor> = tensors.iter().map(|(_, tensor)| tensor).collect();
    let [w_e, w_u, layers @ ..] = &tensors[..] else { panic!("it has embeddings") };
    let mut residual = input.matmul(w_e);
    for layer in layers.chunks_exact(4) {
        residual = relu_mlp(&residual, &[layer[0], layer[1], layer[2], layer[3]]);
    }
    residual.matmul(w_u)
}

/// The output for each single feature, without the axis of replicas.
fn outputs(imported: &ImportedTarget) -> Tensor {
    let features = imported.network.features() as i64;
    let input = Tensor::eye(features, (Kind::Float, tch::Device::Cpu)).unsqueeze(0);
    imported.network.output(&imported.weights, &input.repeat([imported.weights.replicas(), 1, 1]))
}

fn eye(size: i64) -> Tensor {
    Tensor::eye(size, (Kind::Float, tch::Device::Cpu))
}

#[test]
fn residual_mlps_of_linear_layers_have_the_outputs_that_torch_gives() {
    // By shapes: other numbers of neurons than the width; as many features as dimensions; one neuron and one feature.
    for (features, width, neurons) in [(3, 4, 2), (4, 4, 2), (1, 3, 1), (3, 4, 3)] {
        let tensors = residual_mlp(features, width, neurons);
        let expected = output_of_residual_mlp(&tensors, &eye(features)).unsqueeze(0);
        let imported = target(&tensors, &ImportOptions::default()).unwrap();
        assert_close(&outputs(&imported), &expected, 1e-5, "told by shapes");
    }
    // Square: only the user can tell.
    for (features, width, neurons) in [(3, 4, 4), (4, 4, 4)] {
        let tensors = residual_mlp(features, width, neurons);
        let expected = output_of_residual_mlp(&tensors, &eye(features)).unsqueeze(0);
        let refusal = target(&tensors, &ImportOptions::default()).unwrap_err();
        assert_eq!(refusal, "x does not tell which way round its matrices are: they fit in more than one layout");
        assert_close(&outputs(&target(&tensors, &linear()).unwrap()), &expected, 1e-5, "given");
    }
}

#[test]
fn embeddings_may_be_linear_layers_too_or_stand_the_other_way_round() {
    let expected = |tensors: &[(String, Tensor)]| output_of_residual_mlp(tensors, &eye(3)).unsqueeze(0);
    for turned in [[true, true], [true, false], [false, true]] {
        for suffix in ["", ".weight"] {
            let tensors = residual_mlp(3, 4, 2);
            let changed: Tensors = tensors
                .iter()
                .map(|(name, tensor)| match ["W_E", "W_U"].iter().position(|embedding| embedding == name) {
                    Some(index) => {
                        let tensor = if turned[index] { tensor.tr() } else { tensor.shallow_clone() };
                        (format!("{name}{suffix}"), tensor)
                    }
                    None => (name.clone(), tensor.shallow_clone()),
                })
                .collect();
            let imported = target(&changed, &ImportOptions::default()).unwrap();
            assert_close(&outputs(&imported), &expected(&tensors), 1e-5, &format!("{turned:?} {suffix}"));
        }
    }
}

/// A toy model as goodfire-ai/spd has it.
fn linear_toy_model(features: i64, hidden: i64) -> Tensors {
    let weight = numbers(&[hidden, features], 1);
    named(&[
        ("linear1.weight", weight.shallow_clone()),
        ("linear2.weight", weight.tr()),
        ("linear2.bias", numbers(&[features], 2)),
        ("hidden_layers.0.weight", numbers(&[hidden, hidden], 3)),
        ("hidden_layers.1.weight", numbers(&[hidden, hidden], 4)),
    ])
}

#[test]
fn toy_models_of_linear_layers_have_the_outputs_that_torch_gives() {
    for (features, hidden, options) in
        [(5, 2, ImportOptions::default()), (1, 2, ImportOptions::default()), (3, 3, linear())]
    {
        let tensors = linear_toy_model(features, hidden);
        let weight = |index: usize| tensors[index].1.tr();
        let hidden = eye(features).matmul(&weight(0)).matmul(&weight(3)).matmul(&weight(4));
        let expected = (hidden.matmul(&weight(1)) + &tensors[2].1).relu().unsqueeze(0);
        assert_close(&outputs(&target(&tensors, &options).unwrap()), &expected, 1e-5, "linear toy model");
    }
}

#[test]
fn the_toy_models_of_notebooks_are_read_in_either_layout() {
    for turned in [false, true] {
        let (w, bias) = (numbers(&[3, 5, 2], 1), numbers(&[3, 5], 2));
        let expected = (w.matmul(&w.transpose(1, 2)) + bias.unsqueeze(1)).relu();
        let in_file = if turned { w.transpose(1, 2).contiguous() } else { w };
        let tensors = named(&[("W", in_file), ("b_final", bias)]);
        assert_close(&outputs(&target(&tensors, &ImportOptions::default()).unwrap()), &expected, 1e-5, "notebook");
    }
    let square = named(&[("W", numbers(&[2, 3, 3], 1)), ("b_final", numbers(&[2, 3], 2))]);
    assert!(target(&square, &ImportOptions::default()).unwrap_err().contains("more than one layout"));
}

#[test]
fn symmetric_matrices_need_no_layout() {
    let half = numbers(&[3, 3], 1);
    let tensors = named(&[("W", &half + half.tr()), ("b_final", numbers(&[3], 2))]);
    let test = with(Test::new(), "x", &tensors).args(["import", "target", "x"]).succeeds();
    assert!(test.stderr.starts_with("x: its matrices are the same in every layout\n"), "{}", test.stderr);
}

#[test]
fn a_toy_model_is_untied_if_its_unembedding_is_not_its_embedding_transposed() {
    let is_tied = |imported: &ImportedTarget| match &imported.network {
        Network::Tms(tms) => tms.tied,
        other => panic!("{other:?}"),
    };
    let mut tensors = linear_toy_model(5, 2);
    assert!(is_tied(&target(&tensors, &ImportOptions::default()).unwrap()));
    tensors[1].1 = &tensors[1].1 + 1.0;
    let imported = target(&tensors, &ImportOptions::default()).unwrap();
    assert!(!is_tied(&imported));
    let weight = |index: usize| tensors[index].1.tr();
    let hidden = weight(0).matmul(&weight(3)).matmul(&weight(4));
    let expected = (hidden.matmul(&weight(1)) + &tensors[2].1).relu().unsqueeze(0);
    assert_close(&outputs(&imported), &expected, 1e-5, "untied toy model");

    let ended = with(Test::new().with_spec(), "x", &tensors).args(["import", "target", "x"]).succeeds();
    let spec = apd::spec::load(&ended.folder.path().join(new_spec(&ended, &[])), &[]).unwrap();
    assert_eq!(spec.target.network, imported.network);
    let of_tied = ["import", "target", "x", "--spec", "tiny.toml", "--set=target.tms.hidden_layers=2", "--set=seeds=1"];
    ended.then().args(of_tied).fails(1).stderr_ends_with(str![[r#"
error: the spec does not fit x:
  - target.tms.tied: the spec has true, the file false
  help: change the spec, or give the value with --set, for example --set target.tms.tied=false

"#]]);
}

#[test]
fn an_unembedding_of_another_shape_is_told() {
    let mut tensors = linear_toy_model(5, 2);
    tensors[1].1 = numbers(&[5, 3], 1);
    with(Test::new(), "x", &tensors).args(["import", "target", "x"]).fails(1).stderr_is(str![[r#"
error: x does not fit: `linear2.weight` has the shape [5, 3], not [5, 2]
  help: `apd import --help` lists the names and shapes that are known; --rename gives a tensor another name

"#]]);
}

#[test]
fn the_terminal_says_which_layout_the_shapes_tell() {
    let test = with(Test::new(), "x", &residual_mlp(3, 4, 2)).args(["import", "target", "x"]).succeeds();
    test.stderr_is(str![[r#"
x: its matrices are [out, in], as torch.nn.Linear keeps them (layout linear, which their shapes tell); W_E and W_U are [in, out]
what the file does not say is as in experiments/residual_mlp_2_layers.toml; --spec or --set gives it
1 target(s) imported: runs/targets
spec: runs/x-[..].toml
  help: take them apart with: apd decompose runs/x-[..].toml

"#]]);
    test.then().args(["import", "target", "x", "--layout", "matrix"]).fails(1).stderr_is(str![[r#"
error: x does not have the layout matrix:
  - `layers.0.mlp_in.weight` has the shape [2, 4], not [4, 4]
  - `layers.0.mlp_out.weight` has the shape [4, 2], not [4, 4]
[..]
[..]
[..]
[..]
  help: leave --layout out, or give --layout linear: that fits its shapes

"#]]);
}

#[test]
fn a_single_transposed_matrix_is_told() {
    let mut tensors = residual_mlp(3, 4, 2);
    tensors[4].1 = tensors[4].1.tr();
    with(Test::new(), "x", &tensors).args(["import", "target", "x"]).fails(1).stderr_is(str![[r#"
error: x does not fit: `layers.0.mlp_out.weight` has the shape [2, 4], not [4, 2] (transposed it would fit)
  help: `apd import --help` lists the names and shapes that are known; --rename gives a tensor another name

"#]]);
}

/// The one run folder or spec in `runs` that is not among `others`.
fn new_spec(ended: &Ended, others: &[String]) -> String {
    let entries = fs::read_dir(ended.folder.path().join("runs")).unwrap();
    let names = entries.map(|entry| format!("runs/{}", entry.unwrap().file_name().to_string_lossy()));
    let mut new = names.filter(|name| name.ends_with(".toml") && !others.contains(name));
    let name = new.next().expect("a new spec");
    assert_eq!(new.next(), None);
    name
}

fn imported(ended: &Ended, spec: &str) -> String {
    apd::spec::load(&ended.folder.path().join(spec), &[]).unwrap().target.imported.unwrap()
}

#[test]
fn a_square_network_is_read_as_the_user_says_and_each_reading_is_a_target_of_its_own() {
    // mlp_in.weight puts dimension 1 on neuron 0, mlp_out.weight puts neuron 0 on dimension 0.
    let tensors = named(&[
        ("W_E", eye(2)),
        ("W_U", eye(2)),
        ("layers.0.mlp_in.weight", Tensor::from_slice2(&[[0_f32, 1.0], [0.0, 0.0]])),
        ("layers.0.mlp_out.weight", Tensor::from_slice2(&[[1_f32, 0.0], [0.0, 0.0]])),
    ]);
    let refused = with(Test::new(), "x", &tensors).args(["import", "target", "x"]).fails(1);
    refused.stderr_is(str![[r#"
error: x does not tell which way round its matrices are: they fit in more than one layout
  help: give --layout matrix if they are [in, out], or --layout linear if they are [out, in], as torch.nn.Linear keeps them

"#]]);
    assert!(!refused.folder.path().join("runs").exists());
    // Of torch: output 0 of feature 1 is 1.
    let output = outputs(&target(&tensors, &linear()).unwrap());
    assert_eq!(output.double_value(&[0, 1, 0]), 1.0);

    let digest = read(&tensors).digest;
    let by_matrix = refused.then().args(["import", "target", "x", "--layout", "matrix"]).succeeds();
    let matrix = new_spec(&by_matrix, &[]);
    assert_eq!(imported(&by_matrix, &matrix), digest, "as it was read before there were layouts");
    let by_linear = by_matrix.then().args(["import", "target", "x", "--layout", "linear"]).succeeds();
    let other = new_spec(&by_linear, &[matrix]);
    assert_ne!(imported(&by_linear, &other), digest);
    let folders = fs::read_dir(by_linear.folder.path().join("runs/targets")).unwrap();
    let files = folders.map(|folder| TensorFile::read(&folder.unwrap().path().join("target.safetensors")).unwrap());
    let mut notes: Vec<_> =
        files.map(|file| (file.notes["imported_layout"].clone(), file.notes["imported_sha256"].clone())).collect();
    notes.sort();
    assert_eq!(notes, [("linear".into(), digest.clone()), ("matrix".into(), digest)]);

    // What the user says needlessly changes nothing.
    let rectangular = residual_mlp(3, 4, 2);
    let identity = |options| target(&rectangular, options).unwrap().origin.identity;
    assert_eq!(identity(&ImportOptions::default()), identity(&linear()));
}

#[test]
fn our_own_square_networks_say_in_their_file_how_they_are_laid_out() {
    let sizes = ["--set=target.tms.hidden=5", "--set=method.apd.rank=5", "--device=cpu", "--threads=1"];
    let trained = Test::new().with_spec().args(["run", "tiny.toml"]).args(sizes).succeeds();
    let run = in_runs(trained.folder.path(), "tiny-", "");
    let (target, components) = (format!("{run}/target.safetensors"), format!("{run}/components.safetensors"));
    let imported = trained.then().args(["import", "components", &components, "--target", &target]).succeeds();
    imported.stderr_is(str![[r#"
runs/tiny-[..]/target.safetensors: its matrices are [in, out] (layout matrix, which its note tells)
runs/tiny-[..]/components.safetensors: its factors are A [d_in, rank], B [rank, d_out] (layout matrix, which its note tells)
what the file does not say is as in experiments/tms_5-2.toml; --spec or --set gives it
import finished: runs/components-[..]
  help: measure it with: apd evaluate runs/components-[..]

"#]]);
    let again = in_runs(imported.folder.path(), "components-", "");
    for file in ["target.safetensors", "components.safetensors"] {
        let tensors = |run: &str| read_tensors(&imported.folder.path().join(run).join(file)).unwrap();
        assert_eq!(tensors(&again), tensors(&run), "{file}");
    }
    imported.then().args(["import", "target", &target, "--layout=linear"]).fails(1).stderr_is(str![[r#"
error: runs/tiny-[..]/target.safetensors does not have the layout linear: its note says [in, out]
  help: leave --layout out: it is a file of apd, which is read as its note says

"#]]);
}

/// State dicts of toy models under these prefixes.
fn toy_models(prefixes: &[&str]) -> Tensors {
    let of_prefix = |(start, prefix): (usize, &&str)| {
        [
            (format!("{prefix}linear1.weight"), numbers(&[5, 2], start as i64)),
            (format!("{prefix}b_final"), numbers(&[5], start as i64)),
        ]
    };
    prefixes.iter().enumerate().flat_map(of_prefix).collect()
}

#[test]
fn one_of_several_state_dicts_is_selected() {
    let test = with(Test::new(), "x", &toy_models(&["ema.", "model."])).args(["import", "target", "x"]).fails(1);
    test.stderr_is(str![[r#"
error: x holds several state dicts that fit: `ema`, `model`
  help: choose one with --select, for example --select model

"#]]);
    let ema = test.then().args(["import", "target", "x", "--select", "ema"]).succeeds();
    ema.stderr_is(str![[r#"
x: passed over 2 tensor(s) outside of `ema.`
x: its matrices are [in, out] (layout matrix, which their shapes tell)
what the file does not say is as in experiments/tms_5-2.toml; --spec or --set gives it
1 target(s) imported: runs/targets
spec: runs/x-[..].toml
  help: take them apart with: apd decompose runs/x-[..].toml

"#]]);
    let first = new_spec(&ema, &[]);
    let model = ema.then().args(["import", "target", "x", "--select", "model"]).succeeds();
    let second = new_spec(&model, std::slice::from_ref(&first));
    assert_ne!(imported(&model, &first), imported(&model, &second));
    model.then().args(["import", "target", "x", "--select", "emma"]).fails(1).stderr_is(str![[r#"
error: x holds no state dict `emma`
  help: did you mean `ema`? the file has `ema`, `model`

"#]]);
}

#[test]
fn the_outermost_state_dict_and_nested_ones_have_keys_too() {
    let weights = |tensors: &[(String, Tensor)], key: &str| {
        let options = ImportOptions { select: Some(key.into()), ..ImportOptions::default() };
        target(tensors, &options).map(|imported| imported.weights.sites.iter().next().unwrap().shallow_clone())
    };
    let tensors = toy_models(&["", "ema.", "runs.a.module.", "runs.b."]);
    for (key, start) in [(".", 0), ("ema", 1), ("runs.a", 2), ("runs.a.module", 2), ("runs.b", 3)] {
        assert_eq!(weights(&tensors, key), Ok(numbers(&[1, 5, 2], start)), "{key}");
    }
    let refusals = [
        ("runs", "x holds several state dicts that fit: `runs.a.module`, `runs.b`"),
        ("b_final", "x: `b_final` is a tensor, not a state dict"),
        ("nothing", "x holds no state dict `nothing`"),
    ];
    for (key, refusal) in refusals {
        assert_eq!(weights(&tensors, key), Err(refusal.into()), "{key}");
    }
    // With one candidate nothing is to be chosen.
    let mut one = toy_models(&["state_dict."]);
    one.push(("optimizer.state.0.exp_avg".into(), numbers(&[5, 2], 9)));
    assert!(target(&one, &ImportOptions::default()).is_ok());
}

/// A residual MLP in the words of another program.
fn in_other_words() -> Tensors {
    let words = [("layers", "blocks"), ("mlp_in", "fc1"), ("mlp_out", "fc2"), ("W_E", "enter"), ("W_U", "leave")];
    let other = |name: &String| words.iter().fold(format!("module.{name}"), |name, (from, to)| name.replace(from, to));
    residual_mlp(3, 4, 2).iter().map(|(name, tensor)| (other(name), tensor.shallow_clone())).collect()
}

#[test]
fn tensors_are_renamed_singly_or_by_a_part_of_their_names() {
    let plain = target(&residual_mlp(3, 4, 2), &ImportOptions::default()).unwrap();
    for renames in [
        &["blocks=layers", "fc1=mlp_in", "fc2=mlp_out", "enter=W_E", "leave=W_U"][..],
        &["blocks=layers", "fc1=mlp_in", "fc2=mlp_out", "module.enter=W_E", "module.leave=W_U"],
        &["module.blocks=net.layers", "fc1=mlp_in", "fc2=mlp_out", "module.enter=net.W_E", "module=net", "leave=W_U"],
    ] {
        let renames: Vec<Rename> = renames.iter().map(|rename| rename.parse().unwrap()).collect();
        let options = ImportOptions { renames, ..ImportOptions::default() };
        let imported = target(&in_other_words(), &options).unwrap();
        assert_eq!(outputs(&imported), outputs(&plain));
    }
    let args = ["--rename=blocks=layers", "--rename=fc1=mlp_in", "--rename=fc2=mlp_out"];
    let test = with(Test::new(), "x", &in_other_words());
    let test = test.args(["import", "target", "x", "--rename=enter=W_E", "--rename=leave=W_U"]).args(args).succeeds();
    let spec = new_spec(&test, &[]);
    assert_ne!(imported(&test, &spec), read(&in_other_words()).digest);
}

#[test]
fn renames_that_cannot_be_are_refused_with_what_is_there() {
    let tensors = named(&[("encoder.weight", numbers(&[2, 5], 1)), ("bias", numbers(&[5], 2))]);
    let refused = |renames: &[&str]| {
        let renames = renames.iter().map(|rename| format!("--rename={rename}"));
        with(Test::new(), "x", &tensors).args(["import", "target", "x"]).args(renames).fails(1)
    };
    refused(&["encodr.weight=W"]).stderr_is(str![[r#"
error: x has no tensor `encodr.weight`, which --rename is to rename
  help: did you mean `encoder.weight`? the file has `bias`, `encoder.weight`

"#]]);
    refused(&["Encoder.weight=W"]).stderr_is(str![[r#"
error: x has no tensor `Encoder.weight`, which --rename is to rename
  help: did you mean `encoder.weight`? the file has `bias`, `encoder.weight`

"#]]);
    refused(&["encoder.weight=embedd"]).stderr_is(str![[r#"
error: --rename `encoder.weight=embedd`: `embedd` is no part of a network
  help: did you mean `embed`? `apd import --help` lists the names that are known

"#]]);
    refused(&["encoder=lin"]).stderr_is(str![[r#"
error: --rename `encoder=lin`: `lin` is no part of a network, as in `lin.weight`
  help: did you mean `unembed`? `apd import --help` lists the names that are known

"#]]);
    refused(&["encoder.weight=bias"]).stderr_is(str![[r#"
error: x does not fit: it has no tensor `embed` (`linear1.weight`, `W`) or `W_E`, only: `bias`, `encoder.weight`
  help: `apd import --help` lists the names and shapes that are known; --rename gives a tensor another name

"#]]);
    refused(&["encoder.weight=W", "bias=embed"]).stderr_is(str![[r#"
error: x does not fit: `bias` and `encoder.weight` are the same part
  help: save the file without one of them, or give other names with --rename

"#]]);
    refused(&["encoder.weight=W", "encoder.weight=embed"]).stderr_is(str![[r#"
error: --rename gives `encoder.weight` two names
  help: give each name in the file once

"#]]);
    let test = with(Test::new(), "x", &tensors).args(["import", "target", "x", "--rename", "encoder.weight"]).fails(2);
    test.stderr_is(str![[r#"
error: invalid value 'encoder.weight' for '--rename <THEIRS=OURS>': write it as THEIRS=OURS, for example fc1.weight=linear1.weight

For more information, try '--help'.

"#]]);
}

#[test]
fn a_nearly_known_name_is_answered_with_the_option_that_makes_it_known() {
    let mut tensors = residual_mlp(3, 4, 2);
    tensors[0].0 = "w_e".into();
    with(Test::new(), "x", &tensors[..3]).args(["import", "target", "x"]).fails(1).stderr_is(str![[r#"
error: x does not fit: it has no tensor `embed` (`linear1.weight`, `W`) or `W_E`, only: `W_U`, `layers.0.mlp_in.weight`, `w_e`
  help: if `w_e` is `W_E`, give --rename w_e=W_E; `apd import --help` lists the names that are known

"#]]);
    let mut tensors = residual_mlp(3, 4, 2);
    tensors[1].0 = "w_u".into();
    with(Test::new(), "x", &tensors).args(["import", "target", "x"]).fails(1).stderr_is(str![[r#"
error: x does not fit:
  - it lacks `W_U`
  - `w_u` has no place in it; if `w_u` is `W_U`, give --rename w_u=W_U
  help: `apd import --help` lists the names and shapes that are known; --rename gives a tensor another name

"#]]);
    let both = named(&[("W", numbers(&[5, 2], 1)), ("embed", numbers(&[5, 2], 1)), ("b_final", numbers(&[5], 2))]);
    let refusal = target(&both, &ImportOptions::default()).unwrap_err();
    assert_eq!(refusal, "x does not fit: `W` and `embed` are the same part");
}

/// Components of a toy model.
fn components(instances: &[i64], sizes: [i64; 2], number: i64, rank: i64) -> Tensors {
    let shape = |last: [i64; 3]| [instances, &last].concat();
    named(&[
        ("linear1.A", numbers(&shape([number, sizes[0], rank]), 1)),
        ("linear1.B", numbers(&shape([number, rank, sizes[1]]), 2)),
    ])
}

fn transposed(tensors: &[(String, Tensor)]) -> Tensors {
    tensors.iter().map(|(name, tensor)| (name.clone(), tensor.transpose(-1, -2).contiguous())).collect()
}

#[test]
fn components_are_read_in_every_layout_that_their_shapes_tell() {
    let of = target(&toy_models(&[""]), &ImportOptions::default()).unwrap();
    let find = |tensors: &[(String, Tensor)], options: &ImportOptions<FactorLayout>| {
        ImportedComponents::find(&read(tensors), Path::new("x"), &of, options).map_err(|error| error.what().to_string())
    };
    let plain = components(&[3], [5, 2], 4, 1);
    let expected = find(&plain, &ImportOptions::default()).unwrap().tensors;
    assert_eq!(expected.iter().map(|(_, tensor)| tensor).collect::<Vec<_>>(), [&plain[0].1, &plain[1].1]);
    let turned = transposed(&plain);
    let exchanged = named(&[("linear1.A", turned[1].1.shallow_clone()), ("linear1.B", turned[0].1.shallow_clone())]);
    for tensors in [&turned, &exchanged] {
        let found = find(tensors, &ImportOptions::default()).unwrap();
        assert_eq!(found.tensors, expected);
    }
}

#[test]
fn factors_with_other_axes_are_told() {
    let of = target(&toy_models(&[""]), &ImportOptions::default()).unwrap();
    let refusal = |tensors: &[(String, Tensor)]| {
        let found = ImportedComponents::find(&read(tensors), Path::new("x"), &of, &ImportOptions::default());
        found.unwrap_err().what().to_string()
    };
    let mut tensors = components(&[], [5, 2], 4, 1);
    tensors[1].1 = tensors[1].1.squeeze_dim(1);
    assert_eq!(refusal(&tensors), "x does not fit: `linear1.B` has the shape [4, 2], not [4, 1, 2]");
    tensors[0].1 = tensors[0].1.squeeze_dim(2);
    let wanted = "[instance, component, d_in, rank] or [component, d_in, rank]";
    let expected = format!("x does not fit: `linear1.A` has the shape [4, 5], not {wanted}");
    assert_eq!(refusal(&tensors), expected);
}

const IMPORT: [&str; 5] = ["import", "components", "components", "--target", "target"];

#[test]
fn both_files_of_an_import_have_options_of_their_own() {
    let square = named(&[("a.W", numbers(&[3, 3], 1)), ("a.bee", numbers(&[3], 2)), ("b.W", numbers(&[3, 3], 1))]);
    let of_square: Tensors = ["c.", "d."]
        .iter()
        .flat_map(|prefix| {
            components(&[], [3, 3], 4, 1).into_iter().map(move |(name, tensor)| (format!("{prefix}{name}"), tensor))
        })
        .collect();
    let test = || with(with(Test::new(), "target", &square), "components", &of_square);
    test().args(IMPORT).fails(1).stderr_is(str![[r#"
error: target holds several state dicts that fit: `a`, `b`
  help: choose one with --target-select, for example --target-select b

"#]]);
    let of_target = ["--target-select=a", "--target-rename=bee=bias", "--target-layout=linear"];
    test().args(IMPORT).args(&of_target[..1]).fails(1).stderr_is(str![[r#"
error: target does not fit:
  - it lacks `bias` (`b_final`, `linear2.bias`)
  - `a.bee` has no place in it
  help: `apd import --help` lists the names and shapes that are known; --rename gives a tensor another name

"#]]);
    test().args(IMPORT).args(&of_target[..2]).fails(1).stderr_is(str![[r#"
error: target does not tell which way round its matrices are: they fit in more than one layout
  help: give --target-layout matrix if they are [in, out], or --target-layout linear if they are [out, in], as torch.nn.Linear keeps them

"#]]);
    test().args(IMPORT).args(of_target).args(["--select=c"]).fails(1).stderr_is(str![[r#"
target: passed over 1 tensor(s) outside of `a.`
target: its matrices are [out, in], as torch.nn.Linear keeps them (--target-layout linear)
error: components does not tell which way round its factors are: they fit in more than one layout
  help: give --layout matrix if they are A [d_in, rank], B [rank, d_out], or --layout linear-product if they are A [d_out, rank], B [rank, d_in], A B the weight of a torch.nn.Linear

"#]]);
    let contradicting = test().args(IMPORT).args(of_target).args(["--select=c", "--layout=linear"]).fails(1);
    contradicting.stderr_is(str![[r#"
target: passed over 1 tensor(s) outside of `a.`
target: its matrices are [out, in], as torch.nn.Linear keeps them (--target-layout linear)
error: components does not have the layout linear:
  - `c.linear1.A` has the shape [4, 3, 1], not [4, 3, 3]
  - `c.linear1.B` has the shape [4, 1, 3], not [4, 3, 3]
  help: leave --layout out, or give --layout matrix: that fits its shapes

"#]]);
    let product = test().args(IMPORT).args(of_target).args(["--select=c", "--layout=linear-product"]).succeeds();
    let run = in_runs(product.folder.path(), "components-", "");
    let tensors = read_tensors(&product.folder.path().join(&run).join("components.safetensors")).unwrap();
    let factor = |name: &str| tensors.iter().find(|(found, _)| found == name).unwrap().1.squeeze_dim(0);
    let matrix = factor("embed.A").matmul(&factor("embed.B"));
    assert_close(&matrix.mt(), &of_square[0].1.matmul(&of_square[1].1), 1e-6, "A B is the transposed matrix");
    let of_run = read_tensors(&product.folder.path().join(&run).join("target.safetensors")).unwrap();
    let embed = &of_run.iter().find(|(name, _)| name == "embed").unwrap().1;
    assert_eq!(embed.squeeze_dim(0), square[0].1.tr());
    let again = product.then().args(IMPORT).args(of_target).args(["--select=c", "--layout=matrix"]).succeeds();
    let runs = fs::read_dir(again.folder.path().join("runs")).unwrap().count();
    assert_eq!(runs, 2, "another reading of the same files is another run");
}

#[test]
fn one_target_serves_all_replicas_of_its_components_and_is_measured_with_them() {
    let toy_model = toy_models(&[""]);
    let mut found = components(&[2], [5, 2], 5, 1);
    // Beside the factors of both replicas, once.
    found.push((toy_model[1].0.clone(), toy_model[1].1.shallow_clone()));
    let test = with(with(Test::new(), "target", &toy_model), "components", &found);
    let samples = ["--set=measurement.samples=100"];
    let imported = test.args(IMPORT).args(samples).succeeds();
    imported.stderr_is(str![[r#"
target: its matrices are [in, out] (layout matrix, which their shapes tell)
components: its factors are A [d_in, rank], B [rank, d_out] (layout matrix, which their shapes tell)
what the file does not say is as in experiments/tms_5-2.toml; --spec or --set gives it
import finished: runs/components-[..]
  help: measure it with: apd evaluate runs/components-[..]

"#]]);
    let run = in_runs(imported.folder.path(), "components-", "");
    let spec = apd::spec::load(&imported.folder.path().join(&run).join("spec.toml"), &[]).unwrap();
    assert_eq!((spec.seeds, spec.target.seed), (vec![0, 1], Some(0)));
    let same = imported.then().args(IMPORT).args(samples).args(["--set=seeds=2"]).succeeds();
    assert!(same.stderr.contains("import was finished already: "), "{}", same.stderr);
    let evaluated = same.then().args(["evaluate", &run, "--device=cpu", "--threads=1"]).succeeds();
    assert!(evaluated.stdout.contains("2 replicas, finished"), "{}", evaluated.stdout);
    evaluated.then().args(["report", &run]).succeeds();
}

#[test]
fn numbers_of_replicas_that_do_not_fit_are_told_with_the_value_that_does() {
    let test = |instances: &[i64]| {
        let shape = |last: &[i64]| [instances, last].concat();
        let toy_model = named(&[("W", numbers(&shape(&[5, 2]), 1)), ("b_final", numbers(&shape(&[5]), 2))]);
        let test = with(Test::new(), "target", &toy_model);
        with(test, "components", &components(&[3], [5, 2], 5, 1)).args(IMPORT)
    };
    test(&[1]).succeeds();
    let refused = test(&[]).args(["--set=seeds=2"]).fails(1);
    assert!(
        refused.stderr.ends_with(
            "error: the spec does not fit components:
  - seeds: the spec has 2, the file 3
  help: change the spec, or give the value with --set, for example --set seeds=3\n"
        ),
        "{}",
        refused.stderr
    );
    let refused = test(&[4]).fails(1);
    assert!(
        refused.stderr.ends_with(
            "error: the spec does not fit components:
  - instances: the target has 4, the components 3
  help: change the spec, or give the value with --set, for example --set target.seed=0\n"
        ),
        "{}",
        refused.stderr
    );
    test(&[4]).args(["--set=target.seed=3"]).succeeds();
    let refused = test(&[4]).args(["--set=target.seed=4"]).fails(1);
    assert!(refused.stderr.contains("target.seed: the spec has 4, the instances of the target are the seeds below 4"));
}

#[test]
fn sizes_of_a_file_that_no_spec_can_have_are_not_told_as_somebodys_set() {
    let mut factors = Tensors::new();
    for layer in 0..3 {
        factors.extend(named(&[
            (&format!("layers.{layer}.mlp_in.A"), numbers(&[1, 4, 1], 1)),
            (&format!("layers.{layer}.mlp_in.B"), numbers(&[1, 1, 2], 2)),
            (&format!("layers.{layer}.mlp_out.A"), numbers(&[1, 2, 1], 3)),
            (&format!("layers.{layer}.mlp_out.B"), numbers(&[1, 1, 4], 4)),
        ]));
    }
    let test = || with(with(Test::new(), "target", &deep_residual_mlp(3, [3, 4, 2])), "components", &factors);
    let refused = test().args(IMPORT).fails(2);
    let told = refused.stderr.split_once("error: ").unwrap().1;
    assert_eq!(
        told,
        "`k` must be at most the number of components
  --> experiments/residual_mlp_3_layers.toml with the sizes of target:31:5
   |
31 | k = 1.02
   |     ^^^^ `components` is 1

error: 1 mistake in experiments/residual_mlp_3_layers.toml with the sizes of target\n"
    );
    test().args(IMPORT).args(["--set=method.apd.selection.batch_top_k.k=0.5"]).succeeds();
}

#[test]
fn the_spec_of_an_imported_target_serves_for_its_components() {
    let test = with(with(Test::new(), "target", &toy_models(&[""])), "components", &components(&[], [5, 2], 5, 2));
    let target = test.args(["import", "target", "target"]).succeeds();
    let spec = new_spec(&target, &[]);
    let imported = target.then().args(IMPORT).args(["--spec", &spec]).succeeds();
    let other = with(imported.then(), "target", &toy_models(&["x.", ""])[2..]).args(IMPORT).args(["--spec", &spec]);
    other.fails(1).stderr_is(str![[r#"
target: its matrices are [in, out] (layout matrix, which their shapes tell)
components: its factors are A [d_in, rank], B [rank, d_out] (layout matrix, which their shapes tell)
error: the spec does not fit components:
  - target.imported: the spec is of another import; give the spec without this key
  help: change the spec

"#]]);
}

#[test]
fn networks_of_gated_functions_are_imported() {
    let network =
        Network::GatedFunctions(apd::network::GatedFunctions { functions: 3, neurons_per_function: 4, layers: 2 });
    let weights = network.constructed(&[5, 9]).unwrap();
    let imported = target(&weights.named(&network), &ImportOptions::default()).unwrap();
    assert_eq!(imported.network, network);
    let input = numbers(&[2, 6, 4], 1);
    assert_eq!(imported.network.output(&imported.weights, &input), network.output(&weights, &input));
}

#[test]
fn help_lists_the_known_names() {
    for args in [&["import"][..], &["import", "target"], &["import", "components"]] {
        let help = Test::new().args(args).args(["--help"]).succeeds().stdout;
        for name in ["linear1.weight", "W", "b_final", "linear2.bias", "hidden_layers.<i>.weight", "W_E", "linear1.A"] {
            assert!(help.contains(name), "{args:?}: {name}");
        }
    }
}

#[test]
fn tensors_of_whole_numbers_beside_the_weights_are_passed_over() {
    let (weights, counter) = (Tensor::randn([5, 2], (Kind::Float, Device::Cpu)), Tensor::from_slice(&[3_i64, 4]));
    let bias = Tensor::zeros([5], (Kind::Float, Device::Cpu));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    Tensor::write_safetensors(&[("W", &weights), ("b_final", &bias), ("rng", &counter)], &path).unwrap();
    let imported = Test::new()
        .with_file("model.safetensors", fs::read(path).unwrap())
        .args(["import", "target", "model.safetensors"])
        .succeeds();
    assert!(imported.stderr.contains("passed over 1 tensor(s)"), "{}", imported.stderr);
    assert!(!imported.stderr.contains("integers"), "{}", imported.stderr);
}
