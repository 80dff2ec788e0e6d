//! Imports of what the code of SPD's authors (goodfire-ai/spd) saves: its component models, in every version of their names, and
//! the networks that they are of.
//!
//! `tests/checkpoints/spd_tms_5-2.pth` is a component model that their code has trained with its own settings: a toy model of
//! superposition whose second matrix, V and U are transposed views of the first. `spd_tms_5-2.json` says what it holds.
//! `spd_tms_hidden.pth` and `spd_residual_mlp.pth` are untrained component models of the same code (its branch `dev` of
//! February 2026): one importance function for all modules, and one for each that reads whole inputs, with random biases.
//! `.._importances.pth` are the causal importances that it computes for some inputs `x`.

use std::{fs, path::Path};

use apd::{
    method::spd::ImportanceFunction,
    run::{read_table, read_tensors, write_tensors},
    state_dict_file::{ImportOptions, ImportedComponents, ImportedTarget, StateDictFile},
    weights::Weights,
};
use snapbox::str;
use tch::{Device, Kind, Tensor};

use crate::{
    cli_test::{Ended, Test},
    import::in_runs,
    support::assert_close,
};

type Tensors = Vec<(String, Tensor)>;

fn checkpoint(name: &str) -> Vec<u8> {
    fs::read(format!("{}/tests/checkpoints/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn theirs() -> Test {
    Test::new().with_file("spd.pth", checkpoint("spd_tms_5-2.pth"))
}

const IMPORT: [&str; 3] = ["import", "components", "spd.pth"];
const FEW: &str = "--set=measurement.samples=1000";

#[derive(serde::Deserialize)]
struct Summary {
    faithfulness: f64,
    mmcs: f64,
    ml2r: f64,
    recovered: bool,
}

#[derive(serde::Deserialize)]
struct Feature {
    component: Option<u64>,
}

#[derive(serde::Deserialize)]
struct Component {
    component: u64,
    alive: bool,
}

#[test]
fn a_component_model_of_their_code_has_the_measures_that_their_code_gives() {
    let imported = theirs().args(IMPORT).args([FEW]).succeeds();
    imported.stdout_is(str![""]).stderr_is(str![[r#"
spd.pth: passed over 13 tensor(s) outside of `target_model.`
spd.pth: its matrices are [out, in], as torch.nn.Linear keeps them (layout linear, which their shapes tell)
spd.pth: its subcomponents are V [d_in, subcomponent], U [subcomponent, d_out]; importance_function = "mlp", hidden_widths = [16]
what the file does not say is as in experiments/tms_5-2_spd.toml; --spec or --set gives it
import finished: runs/spd-[..]
  help: measure it with: apd evaluate runs/spd-[..]

"#]]);
    let run = in_runs(imported.folder.path(), "spd-", "");
    let evaluated = imported.then().args(["evaluate", &run, "--device=cpu", "--threads=1"]).succeeds();
    assert!(evaluated.stdout.contains("Recovered: 1 of 1"), "{}", evaluated.stdout);
    let expected: serde_json::Value = serde_json::from_slice(&checkpoint("spd_tms_5-2.json")).unwrap();
    let folder = evaluated.folder.path().join(&run);

    let [summary]: [Summary; 1] =
        read_table(&folder.join("summary.csv")).unwrap().try_into().ok().expect("one replica");
    assert!(summary.recovered);
    for (name, found) in
        [("mmcs_acting", summary.mmcs), ("ml2r_acting", summary.ml2r), ("faithfulness", summary.faithfulness)]
    {
        let expected = expected[name].as_f64().unwrap();
        assert!((found - expected).abs() <= 1e-5 * expected.max(1e-3), "{name}: {found}, expected {expected}");
    }
    let numbers = |key: &str| -> Vec<u64> { serde_json::from_value(expected[key].clone()).unwrap() };
    let features: Vec<Feature> = read_table(&folder.join("features.csv")).unwrap();
    let of_features: Vec<u64> = features.iter().filter_map(|feature| feature.component).collect();
    assert_eq!(of_features, numbers("of_feature"));
    let components: Vec<Component> = read_table(&folder.join("components.csv")).unwrap();
    let acting: Vec<u64> = components.iter().filter(|row| row.alive).map(|row| row.component).collect();
    assert_eq!(acting, numbers("acting_subcomponents"));
    evaluated.then().args(["report", &run]).succeeds();
}

/// The tensors of the fixture.
fn fixture() -> Tensors {
    let file = StateDictFile::parse(&checkpoint("spd_tms_5-2.pth")).unwrap();
    file.tensors.into_iter().collect()
}

fn with(test: Test, tensors: &[(String, Tensor)]) -> Test {
    test.with_change(|folder| write_tensors(&folder.join("spd.pth"), tensors, &[]).unwrap())
}

/// The components of the run whose name begins so.
fn components(ended: &Ended, name: &str) -> Tensors {
    let run = in_runs(ended.folder.path(), name, "");
    read_tensors(&ended.folder.path().join(run).join("components.safetensors")).unwrap()
}

fn get(tensors: &[(String, Tensor)], name: &str) -> Tensor {
    tensors.iter().find(|(found, _)| found == name).unwrap_or_else(|| panic!("{name}")).1.shallow_clone()
}

#[test]
fn a_tied_weight_is_one_site_or_two_as_the_spec_says() {
    let tensors = fixture();
    let v = get(&tensors, "_components.linear1.V");
    for tied in ["shared_storage", "together"] {
        let imported = theirs().args(IMPORT).args([FEW, &format!("--set=method.spd.tied_weights={tied}")]).succeeds();
        let components = components(&imported, "spd-");
        assert_eq!(get(&components, "embed.A"), v.tr().unsqueeze(0).unsqueeze(3), "{tied}");
        assert!(components.iter().all(|(name, _)| !name.contains("unembed")), "{tied}");
        let function = get(&components, "importance_function.embed.transposed.1.weight");
        assert_eq!(function.squeeze_dim(0), get(&tensors, "_ci_fns.linear2.layers.2.W"));
    }
    let imported = theirs().args(IMPORT).args([FEW, "--set=method.spd.tied_weights=apart"]).succeeds();
    let components = components(&imported, "spd-");
    assert_eq!(get(&components, "embed.A"), v.tr().unsqueeze(0).unsqueeze(3));
    assert_eq!(get(&components, "unembed.B"), v.tr().unsqueeze(0).unsqueeze(2));
    assert_eq!(get(&components, "importance_function.unembed.0.bias").size(), [1, 20, 16]);
    let run = in_runs(imported.folder.path(), "spd-", "");
    let evaluated = imported.then().args(["evaluate", &run, "--device=cpu", "--threads=1"]).succeeds();
    assert!(evaluated.stdout.contains("Recovered: 1 of 1"), "{}", evaluated.stdout);
}

/// A name and a tensor in the fixture as another version of their code has them; nothing of what it does not have.
type Version = fn(&str, &Tensor) -> Option<(String, Tensor)>;

fn paper(name: &str, tensor: &Tensor) -> Option<(String, Tensor)> {
    let name =
        name.replace("target_model.", "model.").replace("_components.", "components.").replace("_ci_fns.", "gates.");
    let renamed = [
        (".V", ".A", None),
        (".U", ".B", None),
        (".layers.0.W", ".mlp_in", Some(1)),
        (".layers.0.b", ".in_bias", None),
        (".layers.2.W", ".mlp_out", Some(2)),
        (".layers.2.b", ".out_bias", Some(1)),
    ];
    let found = renamed.into_iter().find(|(theirs, ..)| name.ends_with(theirs));
    let Some((today, then, axis)) = found else { return Some((name, tensor.shallow_clone())) };
    let tensor = axis.map_or_else(|| tensor.shallow_clone(), |axis| tensor.squeeze_dim(axis));
    Some((name.replace(today, then), tensor))
}

fn summer_of_2025(name: &str, tensor: &Tensor) -> Option<(String, Tensor)> {
    let words: Vec<&str> = name.split('.').collect();
    let name = match words[..] {
        ["_components", _, "bias"] => return None,
        ["_components", module, factor] => format!("patched_model.{module}.components.{factor}"),
        ["target_model", module, tensor] => format!("patched_model.{module}.original.{tensor}"),
        _ => name.replace("_ci_fns.", "_gates."),
    };
    Some((name, tensor.shallow_clone()))
}

fn next(name: &str, tensor: &Tensor) -> Option<(String, Tensor)> {
    Some((name.replace("_ci_fns.", "ci_fn._ci_fns."), tensor.shallow_clone()))
}

#[test]
fn every_version_of_their_names_is_read_as_the_same_components() {
    let expected = components(&theirs().args(IMPORT).args([FEW]).succeeds(), "spd-");
    let versions: [(&str, Version); 3] = [("paper", paper), ("summer of 2025", summer_of_2025), ("next", next)];
    for (version, of_version) in versions {
        let tensors: Tensors = fixture().iter().filter_map(|(name, tensor)| of_version(name, tensor)).collect();
        let imported = with(Test::new(), &tensors).args(IMPORT).args([FEW]).succeeds();
        assert_eq!(components(&imported, "spd-"), expected, "{version}");
        let nested: Tensors = tensors
            .iter()
            .flat_map(|(name, tensor)| ["", "ema."].map(|prefix| (format!("{prefix}{name}"), tensor.shallow_clone())))
            .collect();
        let imported = with(Test::new(), &nested).args(IMPORT).args([FEW, "--select=ema"]).succeeds();
        assert_eq!(components(&imported, "spd-"), expected, "{version}");
    }
}

#[test]
fn modules_of_other_names_are_renamed() {
    let renamed = |(name, tensor): (String, Tensor)| (name.replace("linear1", "encoder"), tensor);
    let tensors: Tensors = fixture().into_iter().map(renamed).collect();
    let rename = ["--rename=encoder=linear1", "--target-rename=encoder=linear1"];
    let imported = with(Test::new(), &tensors).args(IMPORT).args(rename).args([FEW]).succeeds();
    let expected = theirs().args(IMPORT).args([FEW]).succeeds();
    assert_eq!(components(&imported, "spd-"), components(&expected, "spd-"));
}

/// Some numbers, others for each name.
fn numbers(name: &str, shape: &[i64]) -> Tensor {
    let start: u32 = name.bytes().map(u32::from).sum();
    let count: i64 = shape.iter().product();
    (Tensor::arange(count, (Kind::Float, Device::Cpu)) + f64::from(start) * 10.0).sin().reshape(shape)
}

/// A component model of their code: the tensors of its target, and each decomposed module with its widths.
struct Model {
    target: Vec<(&'static str, Vec<i64>)>,
    modules: Vec<(&'static str, i64, i64)>,
}

fn toy_model() -> Model {
    Model {
        target: vec![
            ("linear1.weight", vec![3, 7]),
            ("linear2.weight", vec![7, 3]),
            ("linear2.bias", vec![7]),
            ("hidden_layers.0.weight", vec![3, 3]),
        ],
        modules: vec![("linear1", 7, 3), ("hidden_layers.0", 3, 3), ("linear2", 3, 7)],
    }
}

fn residual_mlp() -> Model {
    Model {
        target: vec![
            ("W_E", vec![6, 11]),
            ("W_U", vec![11, 6]),
            ("layers.0.mlp_in.weight", vec![4, 11]),
            ("layers.0.mlp_in.bias", vec![4]),
            ("layers.0.mlp_out.weight", vec![11, 4]),
            ("layers.1.mlp_in.weight", vec![4, 11]),
            ("layers.1.mlp_in.bias", vec![4]),
            ("layers.1.mlp_out.weight", vec![11, 4]),
        ],
        modules: vec![
            ("layers.0.mlp_in", 11, 4),
            ("layers.0.mlp_out", 4, 11),
            ("layers.1.mlp_in", 11, 4),
            ("layers.1.mlp_out", 4, 11),
        ],
    }
}

const SUBCOMPONENTS: i64 = 5;

impl Model {
    fn target(&self, prefix: &str) -> Tensors {
        self.target.iter().map(|(name, shape)| (format!("{prefix}{name}"), numbers(name, shape))).collect()
    }

    /// With importance functions of this kind.
    fn saved(&self, kind: &str) -> Tensors {
        let mut shapes = Vec::new();
        let mut layers = |prefix: String, own: &[i64], widths: [i64; 3]| {
            for (layer, pair) in [0, 2].into_iter().zip(widths.windows(2)) {
                shapes.push((format!("{prefix}.layers.{layer}.W"), [own, pair].concat()));
                shapes.push((format!("{prefix}.layers.{layer}.b"), [own, &pair[1..]].concat()));
            }
        };
        for (module, d_in, _) in &self.modules {
            let prefix = format!("_ci_fns.{}", module.replace('.', "-"));
            match kind {
                "mlp" => layers(prefix, &[SUBCOMPONENTS], [1, 8, 1]),
                "vector_mlp" => layers(prefix, &[SUBCOMPONENTS], [*d_in, 8, 1]),
                "shared_mlp" => layers(prefix, &[], [*d_in, 8, SUBCOMPONENTS]),
                _ => {}
            }
        }
        if kind == "global_mlp" {
            let width = self.modules.iter().map(|(_, d_in, _)| d_in).sum();
            let number = SUBCOMPONENTS * self.modules.len() as i64;
            layers("ci_fn._global_ci_fn".into(), &[], [width, 8, number]);
        }
        for (module, d_in, d_out) in &self.modules {
            let prefix = format!("_components.{}", module.replace('.', "-"));
            shapes.push((format!("{prefix}.V"), vec![*d_in, SUBCOMPONENTS]));
            shapes.push((format!("{prefix}.U"), vec![SUBCOMPONENTS, *d_out]));
        }
        let mut tensors = self.target("target_model.");
        for (name, tensor) in self.target("").into_iter().filter(|(name, _)| name.ends_with("bias")) {
            let (module, _) = name.rsplit_once('.').unwrap();
            tensors.push((format!("_components.{}.bias", module.replace('.', "-")), tensor));
        }
        tensors.extend(shapes.into_iter().map(|(name, shape)| {
            let tensor = numbers(&name, &shape);
            (name, tensor)
        }));
        tensors
    }
}

#[test]
fn every_kind_of_importance_function_and_of_network_is_imported_and_measured() {
    for (model, measured) in [(toy_model(), "shared_mlp"), (residual_mlp(), "global_mlp")] {
        for kind in ["mlp", "vector_mlp", "shared_mlp", "global_mlp"] {
            let tensors = model.saved(kind);
            let imported = with(Test::new(), &tensors).args(IMPORT).args(["--set=measurement.samples=200"]).succeeds();
            let told = format!("importance_function = {kind:?}, hidden_widths = [8]\n");
            assert!(imported.stderr.contains(&told), "{}", imported.stderr);
            let found = components(&imported, "spd-");
            let site = |module: &str| {
                module.replace("linear1", "embed").replace("hidden_layers", "hidden").replace("linear2", "unembed")
            };
            for (module, ..) in &model.modules {
                let (dashed, site) = (module.replace('.', "-"), site(module));
                let a = get(&found, &format!("{site}.A"));
                assert_eq!(a.squeeze_dim(3).squeeze_dim(0), get(&tensors, &format!("_components.{dashed}.V")).tr());
                let b = get(&found, &format!("{site}.B"));
                assert_eq!(b.squeeze_dim(2).squeeze_dim(0), get(&tensors, &format!("_components.{dashed}.U")));
                if kind != "global_mlp" {
                    let weight = get(&found, &format!("importance_function.{site}.1.weight"));
                    assert_eq!(weight.squeeze_dim(0), get(&tensors, &format!("_ci_fns.{dashed}.layers.2.W")));
                }
            }
            if kind == measured {
                let run = in_runs(imported.folder.path(), "spd-", "");
                imported.then().args(["evaluate", &run, "--device=cpu", "--threads=1"]).succeeds();
            }
        }
    }
}

#[test]
fn an_importance_function_of_all_modules_reads_and_serves_them_in_another_order() {
    let model = toy_model();
    let tensors = model.saved("global_mlp");
    let found = components(&with(Test::new(), &tensors).args(IMPORT).args([FEW]).succeeds(), "spd-");
    let inputs: Vec<Tensor> = model.modules.iter().map(|(module, d_in, _)| numbers(module, &[4, *d_in])).collect();
    let [linear1, hidden, linear2] = &inputs[..] else { panic!("three modules") };
    // Theirs are sorted by name.
    let layer = |x: &Tensor, layer: i64| {
        let tensor = |name| get(&tensors, &format!("ci_fn._global_ci_fn.layers.{layer}.{name}"));
        x.matmul(&tensor("W")) + tensor("b")
    };
    let theirs = layer(&layer(&Tensor::cat(&[hidden, linear1, linear2], 1), 0).gelu("none"), 2);
    let [of_hidden, of_linear1, of_linear2] = &theirs.split(SUBCOMPONENTS, 1)[..] else { panic!("three modules") };
    let function =
        ImportanceFunction::from_files("importance_function.all", 2, |name| Some(get(&found, name))).unwrap();
    let (logits, _) = function.forward(&Tensor::cat(&[linear1, hidden, linear2], 1).unsqueeze(0));
    assert_close(&logits.squeeze_dim(0), &Tensor::cat(&[of_linear1, of_hidden, of_linear2], 1), 1e-6, "logits");
}

#[test]
fn imported_importance_functions_give_the_importances_that_their_code_gives() {
    for (name, modules) in [
        ("spd_tms_hidden", &["linear1", "hidden_layers.0", "linear2"][..]),
        ("spd_residual_mlp", &["layers.0.mlp_in", "layers.0.mlp_out", "layers.1.mlp_in", "layers.1.mlp_out"]),
    ] {
        let imported = Test::new().with_file("spd.pth", checkpoint(&format!("{name}.pth"))).args(IMPORT).succeeds();
        let run = imported.folder.path().join(in_runs(imported.folder.path(), "spd-", ""));
        let spec = apd::spec::load(&run.join("spec.toml"), &[]).unwrap();
        let target = read_tensors(&run.join("target.safetensors")).unwrap();
        let weights = Weights::from_files(&spec.target.network, |name| Some(get(&target, name))).unwrap();
        let tensors = components(&imported, "spd-");
        let decomposed = spec.method.decomposed(&spec.target.network, &weights, &|name| get(&tensors, name));

        let expected = StateDictFile::parse(&checkpoint(&format!("{name}_importances.pth"))).unwrap().tensors;
        let of_modules: Vec<&Tensor> = modules.iter().map(|module| &expected[&format!("ci.{module}")]).collect();
        let found = decomposed.at_uses(&expected["x"].unsqueeze(0));
        let found: Vec<Tensor> = found.iter().map(|at_use| at_use.importances.squeeze_dim(0)).collect();
        assert_close(&Tensor::cat(&found, 1), &Tensor::cat(&of_modules, 1), 1e-6, name);
    }
}

#[test]
fn networks_that_their_code_saves_alone_are_targets_and_serve_for_components_from_another_file() {
    for model in [toy_model(), residual_mlp()] {
        let target = model.target("");
        let write =
            |test: Test| test.with_change(|folder| write_tensors(&folder.join("target.pth"), &target, &[]).unwrap());
        let imported = write(Test::new()).args(["import", "target", "target.pth"]).succeeds();
        assert!(
            imported.stderr.contains("its matrices are [out, in], as torch.nn.Linear keeps them"),
            "{}",
            imported.stderr
        );
        let mut tensors = model.saved("mlp");
        let both = components(&with(Test::new(), &tensors).args(IMPORT).args([FEW]).succeeds(), "spd-");
        tensors.retain(|(name, _)| !name.starts_with("target_model."));
        let apart = write(with(Test::new(), &tensors)).args(IMPORT).args([FEW, "--target=target.pth"]).succeeds();
        assert_eq!(components(&apart, "spd-"), both);
    }
    let imported = theirs().args(["import", "target", "spd.pth"]).succeeds();
    imported.stderr_is(str![[r#"
spd.pth: passed over 13 tensor(s) outside of `target_model.`
spd.pth: its matrices are [out, in], as torch.nn.Linear keeps them (layout linear, which their shapes tell)
what the file does not say is as in experiments/tms_5-2.toml; --spec or --set gives it
1 target(s) imported: runs/targets
spec: runs/spd-[..].toml
  help: take them apart with: apd decompose runs/spd-[..].toml

"#]]);
}

#[test]
fn components_of_our_own_runs_by_this_method_can_be_imported() {
    let spec = fs::read_to_string("experiments/tms_5-2_spd.toml").unwrap();
    let small = |test: Test| {
        test.args(["--set=seeds=2", "--set=decomposition.steps=2", "--set=decomposition.batch=16", FEW])
            .args(["--set=target.training.steps=2", "--set=method.spd.faithfulness_warm_up.steps=2"])
    };
    for tied in ["shared_storage", "apart"] {
        let tied = format!("--set=method.spd.tied_weights={tied}");
        let test =
            Test::new().with_file("spd.toml", &spec).args(["run", "spd.toml", "--device=cpu", "--threads=1", &tied]);
        let trained = small(test).succeeds();
        let run = in_runs(trained.folder.path(), "tms_5-2_spd-", "");
        let (target, components) = (format!("{run}/target.safetensors"), format!("{run}/components.safetensors"));
        let args =
            ["import", "components", &components, "--target", &target, "--spec=spd.toml", "--set=name=again", &tied];
        let imported = small(trained.then().args(args)).succeeds();
        let again = in_runs(imported.folder.path(), "again-", "");
        let evaluated = imported.then().args(["evaluate", &again, "--device=cpu", "--threads=1"]).succeeds();
        let table = |run: &str, name: &str| fs::read(evaluated.folder.path().join(run).join(name)).unwrap();
        for name in ["summary.csv", "components.csv", "features.csv"] {
            assert_eq!(table(&again, name), table(&run, name), "{name}");
        }
    }
}

/// How the import of the fixture with a change ends.
fn refused(change: impl FnOnce(&mut Tensors)) -> Ended {
    let mut tensors = fixture();
    change(&mut tensors);
    let ended = with(Test::new(), &tensors).args(IMPORT).fails(1);
    ended.stdout_is(str![""]);
    assert!(!ended.folder.path().join("runs").exists());
    ended
}

fn replace(tensors: &mut Tensors, name: &str, change: impl Fn(&Tensor) -> Tensor) {
    let (_, tensor) = tensors.iter_mut().find(|(found, _)| found == name).unwrap_or_else(|| panic!("{name}"));
    *tensor = change(tensor);
}

#[test]
fn tensors_that_contradict_each_other_or_their_target_are_all_told() {
    refused(|tensors| {
        replace(tensors, "_components.linear1.V", |v| v.narrow(0, 0, 4).contiguous());
        replace(tensors, "_components.linear2.U", |u| u.narrow(0, 0, 19).contiguous());
        replace(tensors, "_components.linear2.bias", |bias| bias + 1.0);
        replace(tensors, "_ci_fns.linear1.layers.2.b", |b| b * f64::NAN);
        replace(tensors, "_ci_fns.linear2.layers.0.W", |w| w.narrow(2, 0, 8).contiguous());
        tensors.retain(|(name, _)| name != "_ci_fns.linear2.layers.2.W");
        tensors.push(("_components.linear3.V".into(), Tensor::zeros([5, 20], tch::kind::FLOAT_CPU)));
    })
    .stderr_is(str![[r#"
spd.pth: passed over 13 tensor(s) outside of `target_model.`
spd.pth: its matrices are [out, in], as torch.nn.Linear keeps them (layout linear, which their shapes tell)
error: spd.pth does not fit:
  - `_components.linear1.V` has the shape [4, 20], not [5, 20]
  - `_components.linear2.U` has the shape [19, 5], not [20, 5]
  - `_ci_fns.linear1.layers.2.b` has 20 value(s) that are not finite
  - `_ci_fns.linear2.layers.0.W` has the shape [20, 1, 8], not [20, 1, 16]
  - it lacks `importance_function.unembed.1.weight` (`_ci_fns.linear2.layers.2.W`)
  - `_components.linear2.bias` is not that of the target
  - `_components.linear3.V` has no place in it
  help: `apd import --help` lists the names and shapes that are known; --rename gives a tensor another name

"#]]);
}

#[test]
fn a_file_without_importance_functions_or_with_unknown_ones_is_refused() {
    refused(|tensors| tensors.retain(|(name, _)| !name.starts_with("_ci_fns."))).stderr_is(str![[r#"
spd.pth: passed over 5 tensor(s) outside of `target_model.`
spd.pth: its matrices are [out, in], as torch.nn.Linear keeps them (layout linear, which their shapes tell)
error: spd.pth holds subcomponents without the importance functions that say when they are active
  help: save the state dict of the whole component model

"#]]);
    refused(|tensors| {
        tensors.retain(|(name, _)| !name.starts_with("_ci_fns."));
        tensors.push((
            "ci_fn._global_ci_fn._blocks.0.attn.q_proj.weight".into(),
            Tensor::zeros([4, 4], tch::kind::FLOAT_CPU),
        ));
    })
    .stderr_is(str![[r#"
spd.pth: passed over 6 tensor(s) outside of `target_model.`
spd.pth: its matrices are [out, in], as torch.nn.Linear keeps them (layout linear, which their shapes tell)
error: spd.pth does not fit:
  - it lacks `importance_function.embed.0.weight` (`_ci_fns.linear1.layers.0.W`)
  - it lacks `importance_function.unembed.0.weight` (`_ci_fns.linear2.layers.0.W`)
  - `ci_fn._global_ci_fn._blocks.0.attn.q_proj.weight` has no place in it
  help: `apd import --help` lists the names and shapes that are known; --rename gives a tensor another name

"#]]);
    refused(|tensors| tensors.retain(|(name, _)| !name.contains(".layers.0."))).stderr_is(str![[r#"
spd.pth: passed over 9 tensor(s) outside of `target_model.`
spd.pth: its matrices are [out, in], as torch.nn.Linear keeps them (layout linear, which their shapes tell)
error: spd.pth does not fit:
  - it lacks `importance_function.embed.0.weight` (`_ci_fns.linear1.layers.0.W`)
  - it lacks `importance_function.unembed.0.weight` (`_ci_fns.linear2.layers.0.W`)
  help: `apd import --help` lists the names and shapes that are known; --rename gives a tensor another name

"#]]);
}

#[test]
fn a_damaged_file_is_refused() {
    let whole = checkpoint("spd_tms_5-2.pth");
    let cut = Test::new().with_file("spd.pth", &whole[..whole.len() / 2]);
    cut.args(IMPORT).fails(1).stderr_is(str![[r#"
error: cannot use spd.pth: its archive has no directory at its end: the file is cut off or damaged
  help: download or copy it again, and compare its size with that of the original

"#]]);
}

#[test]
fn components_of_another_target_are_refused() {
    let target = |name: &'static str| {
        theirs().with_file("target.pth", checkpoint(name)).args(IMPORT).args(["--target=target.pth"])
    };
    target("residual_mlp_target.pth").fails(1).stderr_is(str![[r#"
target.pth: its matrices are [in, out] (layout matrix, which their shapes tell)
error: spd.pth does not fit:
  - it lacks `importance_function.layers.0.mlp_in.0.weight` (`_ci_fns.layers-0-mlp_in.layers.0.W`)
  - it lacks `importance_function.layers.0.mlp_out.0.weight` (`_ci_fns.layers-0-mlp_out.layers.0.W`)
  - it lacks `importance_function.layers.1.mlp_in.0.weight` (`_ci_fns.layers-1-mlp_in.layers.0.W`)
  - it lacks `importance_function.layers.1.mlp_out.0.weight` (`_ci_fns.layers-1-mlp_out.layers.0.W`)
  - `_components.linear2.bias` has no place in it
  - `_components.linear1.V` has no place in it
  - `_components.linear1.U` has no place in it
  - `_ci_fns.linear1.layers.0.b` has no place in it
  - `_ci_fns.linear1.layers.0.W` has no place in it
  - `_ci_fns.linear1.layers.2.b` has no place in it
  - and 7 more
  help: `apd import --help` lists the names and shapes that are known; --rename gives a tensor another name

"#]]);
    target("tms_5-2_target.pth").fails(1).stderr_is(str![[r#"
target.pth: its matrices are [in, out] (layout matrix, which their shapes tell)
error: spd.pth does not fit:
  - `_components.linear2.bias` is not that of the target
  - `target_model.linear1.weight` is not that of the target
  - `target_model.linear2.bias` is not that of the target
  - `target_model.linear2.weight` is not that of the target
  help: `apd import --help` lists the names and shapes that are known; --rename gives a tensor another name

"#]]);
    let components = Test::new().with_file("spd.pth", checkpoint("tms_5-2_components.pth")).args(IMPORT).fails(1);
    components.stderr_is(str![[r#"
error: spd.pth does not fit: it has no tensor `embed` (`linear1.weight`, `W`) or `W_E`, only: `b_final`, `linear1.A`, `linear1.B`
  help: give the state dict of the networks with --target FILE

"#]]);
}

#[test]
fn a_spec_of_other_importance_functions_or_sizes_is_refused_with_what_the_file_has() {
    let set = [
        "--set=method.spd.importance_function=vector_mlp",
        "--set=method.spd.hidden_widths=[8]",
        "--set=method.spd.subcomponents=30",
    ];
    theirs().args(IMPORT).args(set).fails(1).stderr_is(str![[r#"
spd.pth: passed over 13 tensor(s) outside of `target_model.`
spd.pth: its matrices are [out, in], as torch.nn.Linear keeps them (layout linear, which their shapes tell)
spd.pth: its subcomponents are V [d_in, subcomponent], U [subcomponent, d_out]; importance_function = "mlp", hidden_widths = [16]
what the file does not say is as in experiments/tms_5-2_spd.toml; --spec or --set gives it
error: the spec does not fit spd.pth:
  - method.spd.subcomponents: the spec has 30, the file 20
  - method.spd.importance_function: the spec has "vector_mlp", the file "mlp"
  - method.spd.hidden_widths: the spec has [8], the file [16]
  help: change the spec, or give the value with --set, for example --set method.spd.subcomponents=20

"#]]);
    let mut tensors = fixture();
    replace(&mut tensors, "_components.linear2.V", |v| v * 2.0);
    let untied = || with(Test::new(), &tensors).args(IMPORT);
    untied().args(["--set=method.spd.tied_weights=together"]).fails(1).stderr_is(str![[r#"
spd.pth: passed over 13 tensor(s) outside of `target_model.`
spd.pth: its matrices are [out, in], as torch.nn.Linear keeps them (layout linear, which their shapes tell)
spd.pth: its subcomponents are V [d_in, subcomponent], U [subcomponent, d_out]; importance_function = "mlp", hidden_widths = [16]
what the file does not say is as in experiments/tms_5-2_spd.toml; --spec or --set gives it
error: the spec does not fit spd.pth:
  - method.spd.tied_weights: the spec has "together", the file "apart"
  help: change the spec, or give the value with --set, for example --set 'method.spd.tied_weights="apart"'

"#]]);
    let apart = untied().args([FEW]).succeeds();
    assert_eq!(
        get(&components(&apart, "spd-"), "unembed.A").squeeze_dim(3).squeeze_dim(0),
        get(&tensors, "_components.linear2.V").tr()
    );

    let spec = fs::read_to_string("experiments/tms_5-2.toml").unwrap();
    let of_apd = theirs().with_file("apd.toml", spec).args(IMPORT).args(["--spec=apd.toml", "--set=seeds=1"]).fails(1);
    of_apd.stderr_is(str![[r#"
spd.pth: passed over 13 tensor(s) outside of `target_model.`
spd.pth: its matrices are [out, in], as torch.nn.Linear keeps them (layout linear, which their shapes tell)
spd.pth: its subcomponents are V [d_in, subcomponent], U [subcomponent, d_out]; importance_function = "mlp", hidden_widths = [16]
error: spd.pth has importance functions, but [method.apd] has components alone
  help: give the spec of a method that learns them, such as [method.spd]

"#]]);
    theirs().args(IMPORT).args(["--layout=linear"]).fails(1).stderr_is(str![[r#"
spd.pth: passed over 13 tensor(s) outside of `target_model.`
spd.pth: its matrices are [out, in], as torch.nn.Linear keeps them (layout linear, which their shapes tell)
error: spd.pth holds subcomponents, whose V and U have one layout alone
  help: leave --layout out

"#]]);
}

#[test]
fn tensors_of_any_shape_are_refused_without_a_panic() {
    let path = Path::new("x");
    let find = |tensors: Tensors| {
        let file = StateDictFile {
            tensors: tensors.into_iter().collect(),
            ..StateDictFile::parse(&checkpoint("spd_tms_5-2.pth")).unwrap()
        };
        let target = ImportedTarget::find(
            &StateDictFile::parse(&checkpoint("spd_tms_5-2.pth")).unwrap(),
            path,
            &ImportOptions::default(),
        );
        ImportedComponents::find(&file, path, &target.unwrap(), &ImportOptions::default())
    };
    let run = theirs().args(IMPORT).args([FEW]).succeeds();
    for whole in [fixture(), components(&run, "spd-")] {
        assert!(find(whole.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect()).is_ok());
        for (place, (name, _)) in whole.iter().enumerate() {
            for shape in [&[][..], &[0], &[1], &[0, 1 << 40], &[1 << 40, 0], &[0, 1 << 40, 1 << 20], &[2, 2, 2, 2, 2]] {
                let mut tensors: Tensors =
                    whole.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect();
                tensors[place].1 = Tensor::zeros(shape, tch::kind::FLOAT_CPU);
                assert!(find(tensors).is_err(), "{name} {shape:?}");
            }
        }
    }
}
