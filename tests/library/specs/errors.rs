//! What a user reads after a mistake in a spec: whole texts, each beside the mistake.
//!
//! A case is a small correct spec, one or more changes to it, and the text. `SNAPSHOTS=overwrite cargo test` writes the
//! texts anew; read them before they are kept.

use std::path::Path;

use apd::spec::parse;
use snapbox::{IntoData, assert_data_eq, str};

const CORRECT: &str = "\
[target.tms]
features = 5
hidden = 2

[target.inputs.independent]
probability = 0.05

[target.training]
steps = 5_000
batch = 1_024
learning_rate = 0.005

[method.apd]
components = 5
rank = 3
schatten_power = 1.0

[method.apd.selection.batch_top_k]
k = 0.211

[method.apd.coefficients]
simplicity = 0.7

[decomposition]
steps = 20_000
batch = 2_048
learning_rate = 0.03
";

/// A spec with mistakes in it.
struct Case {
    text: String,
    overrides: Vec<String>,
}

/// The correct spec with each first line replaced by the second.
fn with(changes: &[(&str, &str)]) -> Case {
    let mut text = CORRECT.to_string();
    for (from, to) in changes {
        assert!(text.contains(from), "{from:?} is not in the spec");
        text = text.replacen(from, to, 1);
    }
    Case { text, overrides: Vec::new() }
}

/// The correct spec with text before it.
fn after(top: &str) -> Case {
    Case { text: format!("{top}\n{CORRECT}"), overrides: Vec::new() }
}

/// The correct spec with `--set`s.
fn set(overrides: &[&str]) -> Case {
    with(&[]).and_set(overrides)
}

fn only(text: &str) -> Case {
    Case { text: text.to_string(), overrides: Vec::new() }
}

impl Case {
    fn and_set(mut self, overrides: &[&str]) -> Self {
        self.overrides.extend(overrides.iter().map(ToString::to_string));
        self
    }

    fn says(&self, expected: snapbox::data::Inline) {
        let error = parse(Path::new("x.toml"), &self.text, &self.overrides).expect_err("the spec should be refused");
        assert_data_eq!(error.to_string(), expected.into_data().raw());
    }
}

#[test]
fn an_unknown_key_is_shown_with_the_nearest_known_one() {
    with(&[("learning_rate = 0.005", "learning_rte = 0.005")]).says(str![[r#"
error: unknown key `learning_rte` in `[target.training]`
  --> x.toml:11:1
   |
11 | learning_rte = 0.005
   | ^^^^^^^^^^^^ did you mean `learning_rate`?
   |
   = help: allowed here: steps, batch, learning_rate, warm_up, weight_decay, schedule

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn an_unknown_key_far_from_any_known_one_is_shown_with_all_that_are_allowed() {
    with(&[("rank = 3", "rank = 3\noptimizer = \"lion\"")]).says(str![[r#"
error: unknown key `optimizer` in `[method.apd]`
  --> x.toml:16:1
   |
16 | optimizer = "lion"
   | ^^^^^^^^^
   |
   = help: allowed here: components, rank, schatten_power, rank_growth, simplicity_rise, simplicity_fade, activity_floor, attribution, attributions_at, columns, last_component, coefficients, initial_values, selection

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn an_unknown_table_is_an_unknown_key() {
    with(&[("[target.training]", "[target.trainin]")]).says(str![[r#"
error: unknown key `trainin` in `[target]`
 --> x.toml:8:9
  |
8 | [target.trainin]
  |         ^^^^^^^ did you mean `training`?
  |
  = help: allowed here: seed, tms, residual_mlp, gated_functions, imported, initial_values, inputs, training

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn all_mistakes_are_shown_in_one_go() {
    with(&[("rank = 3", "rank = 0"), ("k = 0.211", "k = \"few\""), ("hidden = 2", "hiden = 2")])
        .and_set(&["decomposition.steps=0"])
        .says(str![[r#"
error: unknown key `hiden` in `[target.tms]`
 --> x.toml:3:1
  |
3 | hiden = 2
  | ^^^^^ did you mean `hidden`?
  |
  = help: allowed here: features, hidden, hidden_layers, hidden_kind, tied

error: `rank` must be an integer from 1 to 100_000
  --> x.toml:15:8
   |
15 | rank = 0
   |        ^ this is 0

error: `k` must be a number above 0
  --> x.toml:19:5
   |
19 | k = "few"
   |     ^^^^^ this is the text "few"

error: `steps` must be an integer from 1 to 1_000_000_000
 |
 | --set decomposition.steps=0
 |                           ^ this is 0

error: 4 mistakes in x.toml and --set

"#]]);
}

#[test]
fn text_is_no_number() {
    with(&[("rank = 3", "rank = \"three\"")]).says(str![[r#"
error: `rank` must be an integer from 1 to 100_000
  --> x.toml:15:8
   |
15 | rank = "three"
   |        ^^^^^^^ this is the text "three"

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_fraction_is_no_integer() {
    with(&[("rank = 3", "rank = 3.5")]).says(str![[r#"
error: `rank` must be an integer from 1 to 100_000
  --> x.toml:15:8
   |
15 | rank = 3.5
   |        ^^^ this is 3.5

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn only_a_truth_value_is_true_or_false() {
    with(&[("hidden = 2", "hidden = 2\ntied = 0")]).says(str![[r#"
error: `tied` must be true or false
 --> x.toml:4:8
  |
4 | tied = 0
  |        ^ this is 0

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_truth_value_is_no_number() {
    with(&[("k = 0.211", "k = true")]).says(str![[r#"
error: `k` must be a number above 0
  --> x.toml:19:5
   |
19 | k = true
   |     ^^^^ this is a truth value

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_number_is_no_table() {
    with(&[("[method.apd.coefficients]\nsimplicity = 0.7\n", ""), ("rank = 3", "rank = 3\ncoefficients = 3")]).says(
        str![[r#"
error: `coefficients` must be a table
  --> x.toml:16:16
   |
16 | coefficients = 3
   |                ^ this is 3

error: 1 mistake in x.toml

"#]],
    );
}

#[test]
fn a_list_of_tables_is_no_table() {
    with(&[("[decomposition]", "[[decomposition]]")]).says(str![[r#"
error: `decomposition` must be a table
  --> x.toml:24:1
   |
24 | [[decomposition]]
   | ^^^^^^^^^^^^^^^^^ this is a list

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_rank_of_zero_is_refused() {
    with(&[("rank = 3", "rank = 0")]).says(str![[r#"
error: `rank` must be an integer from 1 to 100_000
  --> x.toml:15:8
   |
15 | rank = 0
   |        ^ this is 0

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_negative_size_is_refused() {
    with(&[("components = 5", "components = -5")]).says(str![[r#"
error: `components` must be an integer from 1 to 100_000
  --> x.toml:14:14
   |
14 | components = -5
   |              ^^ this is -5

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn an_integer_beyond_all_bounds_is_refused() {
    with(&[("batch = 2_048", "batch = 99999999999999999999999999999999999999999999")]).says(str![[r#"
error: `batch` must be an integer from 1 to 10_000_000
  --> x.toml:26:9
   |
26 | batch = 99999999999999999999999999999999999999999999
   |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this is far out of range

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_probability_above_one_is_refused() {
    with(&[("probability = 0.05", "probability = 1.5")]).says(str![[r#"
error: `probability` must be a number above 0 and at most 1
 --> x.toml:6:15
  |
6 | probability = 1.5
  |               ^^^ this is 1.5

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_probability_of_zero_is_refused() {
    with(&[("probability = 0.05", "probability = 0")]).says(str![[r#"
error: `probability` must be a number above 0 and at most 1
 --> x.toml:6:15
  |
6 | probability = 0
  |               ^ this is 0

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn nan_is_refused() {
    with(&[("learning_rate = 0.03", "learning_rate = nan")]).says(str![[r#"
error: `learning_rate` must be a number above 0
  --> x.toml:27:17
   |
27 | learning_rate = nan
   |                 ^^^ this is not a number

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn infinity_is_refused() {
    with(&[("learning_rate = 0.03", "learning_rate = inf")]).says(str![[r#"
error: `learning_rate` must be a number above 0
  --> x.toml:27:17
   |
27 | learning_rate = inf
   |                 ^^^ this is infinite

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_number_beyond_double_precision_is_refused() {
    with(&[("learning_rate = 0.03", "learning_rate = 1e999")]).says(str![[r#"
error: `learning_rate` must be a number above 0
  --> x.toml:27:17
   |
27 | learning_rate = 1e999
   |                 ^^^^^ this is infinite

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_number_beyond_single_precision_is_refused() {
    with(&[("learning_rate = 0.03", "learning_rate = 1e300")]).says(str![[r#"
error: `learning_rate` must be a number above 0
  --> x.toml:27:17
   |
27 | learning_rate = 1e300
   |                 ^^^^^ this is 1e300, too large for single precision

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_warm_up_over_the_whole_training_is_refused() {
    with(&[("learning_rate = 0.03", "learning_rate = 0.03\nwarm_up = 1.0")]).says(str![[r#"
error: `warm_up` must be a number of at least 0 and below 1
  --> x.toml:28:11
   |
28 | warm_up = 1.0
   |           ^^^ this is 1.0

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_negative_weight_decay_is_refused() {
    with(&[("learning_rate = 0.03", "learning_rate = 0.03\nweight_decay = -0.01")]).says(str![[r#"
error: `weight_decay` must be a number of at least 0
  --> x.toml:28:16
   |
28 | weight_decay = -0.01
   |                ^^^^^ this is -0.01

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_schatten_power_above_two_is_refused() {
    with(&[("schatten_power = 1.0", "schatten_power = 2.5")]).says(str![[r#"
error: `schatten_power` must be a number above 0 and at most 2
  --> x.toml:16:18
   |
16 | schatten_power = 2.5
   |                  ^^^ this is 2.5

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_negative_coefficient_is_refused() {
    with(&[("simplicity = 0.7", "simplicity = -0.7")]).says(str![[r#"
error: `simplicity` must be a number of at least 0
  --> x.toml:22:14
   |
22 | simplicity = -0.7
   |              ^^^^ this is -0.7

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_rank_threshold_of_one_and_no_samples_are_refused() {
    with(&[("[decomposition]", "[measurement]\nsamples = 0\nrank_threshold = 1\n\n[decomposition]")]).says(str![[r#"
error: `samples` must be an integer from 1 to 1_000_000_000
  --> x.toml:25:11
   |
25 | samples = 0
   |           ^ this is 0

error: `rank_threshold` must be a number above 0 and below 1
  --> x.toml:26:18
   |
26 | rank_threshold = 1
   |                  ^ this is 1

error: 2 mistakes in x.toml

"#]]);
}

#[test]
fn no_scale_is_refused() {
    with(&[("[decomposition]", "[method.apd.initial_values]\nscale = 0\n\n[decomposition]")]).says(str![[r#"
error: `scale` must be a number above 0
  --> x.toml:25:9
   |
25 | scale = 0
   |         ^ this is 0

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn no_steps_and_an_empty_batch_are_refused() {
    with(&[("steps = 20_000", "steps = 0"), ("batch = 2_048", "batch = 0")]).says(str![[r#"
error: `steps` must be an integer from 1 to 1_000_000_000
  --> x.toml:25:9
   |
25 | steps = 0
   |         ^ this is 0

error: `batch` must be an integer from 1 to 10_000_000
  --> x.toml:26:9
   |
26 | batch = 0
   |         ^ this is 0

error: 2 mistakes in x.toml

"#]]);
}

#[test]
fn low_must_be_below_high() {
    with(&[("probability = 0.05", "probability = 0.05\nlow = 2\nhigh = 1")]).says(str![[r#"
error: `low` must be below `high`
 --> x.toml:7:7
  |
7 | low = 2
  |       ^ `high` is 1

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn low_must_be_below_the_default_of_high() {
    with(&[("probability = 0.05", "probability = 0.05\nlow = 2")]).says(str![[r#"
error: `low` must be below `high`
 --> x.toml:7:7
  |
7 | low = 2
  |       ^ `high` is 1

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn k_must_not_exceed_the_number_of_components() {
    with(&[("k = 0.211", "k = 6")]).says(str![[r#"
error: `k` must be at most the number of components
  --> x.toml:19:5
   |
19 | k = 6
   |     ^ `components` is 5

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn k_times_batch_must_select_something() {
    with(&[("k = 0.211", "k = 0.0001")]).says(str![[r#"
error: `k` times `decomposition.batch` must be at least 1, or nothing is ever selected
  --> x.toml:19:5
   |
19 | k = 0.0001
   |     ^^^^^^ 0.0001 * 2048 is less

error: 1 mistake in x.toml

"#]]);
}

/// The correct spec with gated functions for a target.
fn gated(changes: &[(&str, &str)]) -> Case {
    let training = "[target.training]\nsteps = 5_000\nbatch = 1_024\nlearning_rate = 0.005\n\n";
    let target = [
        ("[target.tms]\nfeatures = 5\nhidden = 2\n", "[target.gated_functions]\nfunctions = 4\n"),
        ("[target.inputs.independent]", "[target.inputs.gated]"),
        (training, ""),
    ];
    let mut case = with(&target);
    for (from, to) in changes {
        assert!(case.text.contains(from), "{from:?} is not in the spec");
        case.text = case.text.replacen(from, to, 1);
    }
    case
}

/// The correct spec with a residual MLP for a target, with these lines.
fn residual_mlp(lines: &str) -> Case {
    let mlp = format!("[target.residual_mlp]\nfeatures = 5\nwidth = 9\nneurons = 4\n{lines}");
    with(&[("[target.tms]\nfeatures = 5\nhidden = 2\n", &mlp)])
}

#[test]
fn a_constructed_target_has_no_training() {
    gated(&[("[method.apd]", "[target.training]\nsteps = 3\n\n[target.initial_values]\nscale = 1.0\n\n[method.apd]")])
        .says(str![[r#"
error: this target is constructed, not trained
 --> x.toml:7:1
  |
7 | [target.training]
  | ^^^^^^^^^^^^^^^^^ remove `training`

error: this target is constructed, not trained
  --> x.toml:10:1
   |
10 | [target.initial_values]
   | ^^^^^^^^^^^^^^^^^^^^^^^ remove `initial_values`

error: 2 mistakes in x.toml

"#]]);
}

#[test]
fn gated_functions_need_gated_inputs() {
    gated(&[("[target.inputs.gated]", "[target.inputs.independent]")]).says(str![[r#"
error: gated functions, and no other network, have `gated` inputs
 --> x.toml:4:9
  |
4 | [target.inputs.independent]
  |         ^^^^^^ these are for other networks

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn gated_inputs_are_for_gated_functions() {
    with(&[("[target.inputs.independent]", "[target.inputs.gated]")]).says(str![[r#"
error: gated functions, and no other network, have `gated` inputs
 --> x.toml:5:9
  |
5 | [target.inputs.gated]
  |         ^^^^^^ these are for gated functions

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn gated_functions_are_of_numbers_from_zero_to_five() {
    gated(&[("probability = 0.05", "probability = 0.05\nlow = -1\nhigh = 6")]).says(str![[r#"
error: `low` must be a number from 0 to 5
 --> x.toml:6:7
  |
6 | low = -1
  |       ^^ this is -1

error: `high` must be a number from 0 to 5
 --> x.toml:7:8
  |
7 | high = 6
  |        ^ this is 6

error: 2 mistakes in x.toml

"#]]);
}

#[test]
fn layers_share_the_neurons_of_gated_functions() {
    gated(&[("functions = 4", "functions = 4\nlayers = 3")]).says(str![[r#"
error: `layers` must share the neurons of all functions equally
 --> x.toml:3:10
  |
3 | layers = 3
  |          ^ there are 40 neurons

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn the_loss_in_the_residual_stream_needs_a_fixed_embedding() {
    residual_mlp("loss = \"residual_stream\"\nembedding = \"trained\"\n").says(str![[r#"
error: the loss in the residual stream embeds the labels, so it needs a fixed embedding
 --> x.toml:5:8
  |
5 | loss = "residual_stream"
  |        ^^^^^^^^^^^^^^^^^ but `embedding` is "trained"

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn in_the_residual_stream_features_have_no_importance() {
    residual_mlp("loss = \"residual_stream\"\nimportance_base = 0.9\n").says(str![[r#"
error: features have no importance in the residual stream, where they overlap
 --> x.toml:6:19
  |
6 | importance_base = 0.9
  |                   ^^^ but `loss` is "residual_stream"

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_kind_of_hidden_layer_needs_hidden_layers() {
    with(&[("hidden = 2", "hidden = 2\nhidden_kind = \"identity\"")]).says(str![[r#"
error: `hidden_kind` needs hidden layers
 --> x.toml:4:15
  |
4 | hidden_kind = "identity"
  |               ^^^^^^^^^^ but `hidden_layers` is 0

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_hidden_loss_does_not_fit_a_network_without_hidden_activations() {
    with(&[("simplicity = 0.7", "simplicity = 0.7\nhidden = 1.0")]).says(str![[r#"
error: the hidden loss needs a network with hidden activations
  --> x.toml:23:10
   |
23 | hidden = 1.0
   |          ^^^ this one has none between its input and its output

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn the_lp_form_does_not_fit_what_selects() {
    let lp = ("[method.apd.selection.batch_top_k]\nk = 0.211", "[method.apd.selection.lp]\npower = 0.9");
    let others =
        ("rank = 3", "rank = 3\nattribution = \"ablation\"\nlast_component = \"always_active\"\nactivity_floor = 0.1");
    with(&[lp, others]).says(str![[r#"
error: the L_p form needs gradient attributions, through which it trains
  --> x.toml:16:15
   |
16 | attribution = "ablation"
   |               ^^^^^^^^^^ these are others

error: the L_p form selects nothing, so no component of it is always active
  --> x.toml:17:18
   |
17 | last_component = "always_active"
   |                  ^^^^^^^^^^^^^^^ this asks for one

error: the L_p form has no `activity_floor`: its components are active on every sample
  --> x.toml:18:18
   |
18 | activity_floor = 0.1
   |                  ^^^ this must be 0

error: 3 mistakes in x.toml

"#]]);
}

#[test]
fn no_more_features_can_be_active_than_the_network_has() {
    let inputs = ("[target.inputs.independent]\nprobability = 0.05", "[target.inputs.exactly]\nactive = 6");
    with(&[inputs]).says(str![[r#"
error: no more features can be `active` than there are
 --> x.toml:6:10
  |
6 | active = 6
  |          ^ the network has 5

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn what_is_imported_is_named_by_the_sha_256_of_its_file() {
    let keys = ["imported_components=\"../x.pth\"", "target.imported=\"0A\""];
    set(&keys).says(str![[r#"
error: `imported_components` must be the SHA-256 of a file, as `apd import` writes it
 |
 | --set imported_components="../x.pth"
 |                           ^^^^^^^^^^ this is the text "../x.pth"

error: `imported` must be the SHA-256 of a file, as `apd import` writes it
 |
 | --set target.imported="0A"
 |                       ^^^^ this is the text "0A"

error: 2 mistakes in --set

"#]]);
}

#[test]
fn a_mistyped_word_is_shown_with_the_nearest_one() {
    with(&[("hidden = 2", "hidden = 2\nhidden_kind = \"identiy\"")]).says(str![[r#"
error: `hidden_kind` must be one of "trained", "identity", "random"
 --> x.toml:4:15
  |
4 | hidden_kind = "identiy"
  |               ^^^^^^^^^ did you mean "identity"?

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_word_is_no_number() {
    with(&[("hidden = 2", "hidden = 2\nhidden_kind = 3")]).says(str![[r#"
error: `hidden_kind` must be one of "trained", "identity", "random"
 --> x.toml:4:15
  |
4 | hidden_kind = 3
  |               ^ this is 3

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_mistyped_schedule_is_shown_with_all_schedules() {
    with(&[("learning_rate = 0.03", "learning_rate = 0.03\nschedule = \"cosin\"")]).says(str![[r#"
error: `schedule` must be one of "constant", "linear", "cosine", { exponential = { .. } }, { cosine_decay = { .. } }, { linear_decay = { .. } }
  --> x.toml:28:12
   |
28 | schedule = "cosin"
   |            ^^^^^^^ did you mean "cosine"?

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_schedule_with_settings_is_no_word() {
    with(&[("learning_rate = 0.03", "learning_rate = 0.03\nschedule = \"exponential\"")]).says(str![[r#"
error: `schedule` must be one of "constant", "linear", "cosine", { exponential = { .. } }, { cosine_decay = { .. } }, { linear_decay = { .. } }
  --> x.toml:28:12
   |
28 | schedule = "exponential"
   |            ^^^^^^^^^^^^^ this one is a table: { exponential = { .. } }

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn an_unknown_schedule_table_is_refused() {
    with(&[("learning_rate = 0.03", "learning_rate = 0.03\nschedule = { exponentail = { half_life = 3 } }")]).says(
        str![[r#"
error: unknown key `exponentail` in `[decomposition.schedule]`
  --> x.toml:28:14
   |
28 | schedule = { exponentail = { half_life = 3 } }
   |              ^^^^^^^^^^^ did you mean `exponential`?
   |
   = help: allowed here: exponential, cosine_decay, linear_decay

error: 1 mistake in x.toml

"#]],
    );
}

#[test]
fn a_half_life_must_be_given() {
    with(&[("learning_rate = 0.03", "learning_rate = 0.03\nschedule = { exponential = {} }")]).says(str![[r#"
error: `[decomposition.schedule.exponential]` lacks `half_life`
  --> x.toml:28:28
   |
28 | schedule = { exponential = {} }
   |                            ^^
   |
   = help: add, for example:
           half_life = 1000

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn an_empty_schedule_table_chooses_nothing() {
    with(&[("learning_rate = 0.03", "learning_rate = 0.03\nschedule = {}")]).says(str![[r#"
error: `[decomposition.schedule]` lacks `exponential.half_life`
  --> x.toml:28:12
   |
28 | schedule = {}
   |            ^^
   |
   = help: add, for example:
           # one of [decomposition.schedule.exponential], [decomposition.schedule.cosine_decay], [decomposition.schedule.linear_decay]
           [decomposition.schedule.exponential]
           half_life = 1000

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn an_unknown_method_is_shown_with_the_nearest_one() {
    with(&[
        ("[method.apd]", "[method.adp]"),
        ("[method.apd.selection", "[method.adp.selection"),
        ("[method.apd.coefficients]", "[method.adp.coefficients]"),
    ])
    .says(str![[r#"
error: unknown key `adp` in `[method]`
  --> x.toml:13:9
   |
13 | [method.adp]
   |         ^^^ did you mean `apd`?
   |
   = help: allowed here: apd, spd, vpd

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_missing_key_is_named_at_its_table_with_an_example() {
    with(&[("steps = 20_000\n", "")]).says(str![[r#"
error: `[decomposition]` lacks `steps`
  --> x.toml:24:1
   |
24 | [decomposition]
   | ^^^^^^^^^^^^^^^
   |
   = help: add, for example:
           steps = 5_000

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_missing_table_is_shown_as_what_to_add() {
    with(&[("[method.apd.coefficients]\nsimplicity = 0.7\n", "")]).says(str![[r#"
error: `[method.apd]` lacks `coefficients.simplicity`
  --> x.toml:13:1
   |
13 | [method.apd]
   | ^^^^^^^^^^^^
   |
   = help: add, for example:
           [method.apd.coefficients]
           simplicity = 0.7

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_missing_variant_is_shown_as_what_to_add() {
    with(&[("[method.apd.selection.batch_top_k]\nk = 0.211\n", "")]).says(str![[r#"
error: `[method.apd]` lacks `selection.batch_top_k.k`
  --> x.toml:13:1
   |
13 | [method.apd]
   | ^^^^^^^^^^^^
   |
   = help: add, for example:
           # one of [method.apd.selection.batch_top_k], [method.apd.selection.sample_top_k], [method.apd.selection.exact], [method.apd.selection.lp]
           [method.apd.selection.batch_top_k]
           k = 0.211

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_missing_network_is_shown_as_what_to_add() {
    with(&[("[target.tms]\nfeatures = 5\nhidden = 2\n", "")]).says(str![[r#"
error: `[target]` lacks `tms.features` and `tms.hidden`
 --> x.toml:2:2
  |
2 | [target.inputs.independent]
  |  ^^^^^^
  |
  = help: add, for example:
          # one of [target.tms], [target.residual_mlp], [target.gated_functions]
          [target.tms]
          features = 5
          hidden = 2

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_spec_with_next_to_nothing_in_it_is_answered_with_a_whole_one() {
    only("name = \"mine\"").says(str![[r#"
error: the spec lacks `target.tms.features`, `target.tms.hidden`, `target.inputs.independent.probability` and 3 more keys
--> x.toml
 = help: add, for example:
         # one of [target.tms], [target.residual_mlp], [target.gated_functions]
         [target.tms]
         features = 5
         hidden = 2

         # one of [target.inputs.independent], [target.inputs.exactly], [target.inputs.synced], [target.inputs.gated]
         [target.inputs.independent]
         probability = 0.05

         [target.training]
         steps = 5_000
         batch = 2_048
         learning_rate = 0.005

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn another_format_is_refused() {
    after("format = 2").says(str![[r#"
error: `format` must be 1
 --> x.toml:1:10
  |
1 | format = 2
  |          ^ this is 2

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_name_that_leaves_the_results_folder_is_refused() {
    after("name = \"../escape\"").says(str![[r#"
error: `name` must be 1 to 64 letters, digits, `.`, `_` or `-` and not begin with `.` or `-`
 --> x.toml:1:8
  |
1 | name = "../escape"
  |        ^^^^^^^^^^^ this is the text "../escape"

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn an_empty_name_is_refused() {
    after("name = \"\"").says(str![[r#"
error: `name` must be 1 to 64 letters, digits, `.`, `_` or `-` and not begin with `.` or `-`
 --> x.toml:1:8
  |
1 | name = ""
  |        ^^ this is the text ""

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_hidden_name_is_refused() {
    after("name = \".hidden\"").says(str![[r#"
error: `name` must be 1 to 64 letters, digits, `.`, `_` or `-` and not begin with `.` or `-`
 --> x.toml:1:8
  |
1 | name = ".hidden"
  |        ^^^^^^^^^ this is the text ".hidden"

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_name_of_65_letters_is_refused() {
    after(&format!("name = \"{}\"", "a".repeat(65))).says(str![[r#"
error: `name` must be 1 to 64 letters, digits, `.`, `_` or `-` and not begin with `.` or `-`
 --> x.toml:1:8
  |
1 | name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this is the text "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.."

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_name_with_control_characters_is_shown_without_them() {
    after("name = \"\\u001b[31mred\"").says(str![[r#"
error: `name` must be 1 to 64 letters, digits, `.`, `_` or `-` and not begin with `.` or `-`
 --> x.toml:1:8
  |
1 | name = "\u001b[31mred"
  |        ^^^^^^^^^^^^^^^ this is the text "\u{1b}[31mred"

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn an_empty_list_of_seeds_is_refused() {
    after("seeds = []").says(str![[r#"
error: `seeds` must list 1 to 1_000 seeds
 --> x.toml:1:9
  |
1 | seeds = []
  |         ^^ these are 0

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn no_seeds_are_refused() {
    after("seeds = 0").says(str![[r#"
error: `seeds` must be their number, from 1 to 1_000, or a list of them
 --> x.toml:1:9
  |
1 | seeds = 0
  |         ^ this is 0

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn too_many_seeds_are_refused() {
    after("seeds = 1_001").says(str![[r#"
error: `seeds` must be their number, from 1 to 1_000, or a list of them
 --> x.toml:1:9
  |
1 | seeds = 1_001
  |         ^^^^^ this is 1_001

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_seed_listed_twice_is_refused() {
    after("seeds = [3, 1, 3]").says(str![[r#"
error: every seed must be listed once
 --> x.toml:1:16
  |
1 | seeds = [3, 1, 3]
  |                ^ 3 is there already

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_negative_seed_is_refused() {
    after("seeds = [-1, 0.5]").says(str![[r#"
error: a seed must be an integer from 0 to 9_223_372_036_854_775_807
 --> x.toml:1:10
  |
1 | seeds = [-1, 0.5]
  |          ^^ this is -1

error: a seed must be an integer from 0 to 9_223_372_036_854_775_807
 --> x.toml:1:14
  |
1 | seeds = [-1, 0.5]
  |              ^^^ this is 0.5

error: 2 mistakes in x.toml

"#]]);
}

#[test]
fn seeds_are_no_text() {
    after("seeds = \"all\"").says(str![[r#"
error: `seeds` must be their number, from 1 to 1_000, or a list of them
 --> x.toml:1:9
  |
1 | seeds = "all"
  |         ^^^^^ this is the text "all"

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_target_seed_must_be_an_integer() {
    with(&[("[target.tms]", "[target]\nseed = -1\n\n[target.tms]")]).says(str![[r#"
error: `seed` must be an integer from 0 to 9_223_372_036_854_775_807
 --> x.toml:2:8
  |
2 | seed = -1
  |        ^^ this is -1

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_mistake_in_the_syntax_has_its_place() {
    with(&[("rank = 3", "rank = = 3")]).says(str![[r#"
error: this is not TOML: extra `=`, expected nothing
  --> x.toml:15:8
   |
15 | rank = = 3
   |        ^

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_key_given_twice_has_its_place() {
    with(&[("rank = 3", "rank = 3\nrank = 4")]).says(str![[r#"
error: this is not TOML: duplicate key
  --> x.toml:16:1
   |
16 | rank = 4
   | ^^^^

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn an_unclosed_table_has_its_place() {
    with(&[("[method.apd]", "[method.apd")]).says(str![[r#"
error: this is not TOML: unclosed table, expected `]`
  --> x.toml:13:12
   |
13 | [method.apd
   |            ^

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn text_without_an_end_has_its_place() {
    after("name = \"never ends").says(str![[r#"
error: this is not TOML: invalid basic string, expected `"`
 --> x.toml:1:19
  |
1 | name = "never ends
  |                   ^

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_value_of_set_is_shown_on_the_command_line() {
    set(&["decomposition.steps=0"]).says(str![[r#"
error: `steps` must be an integer from 1 to 1_000_000_000
 |
 | --set decomposition.steps=0
 |                           ^ this is 0

error: 1 mistake in --set

"#]]);
}

#[test]
fn an_unknown_key_of_set_is_shown_on_the_command_line() {
    set(&["decomposition.step=5"]).says(str![[r#"
error: unknown key `step` in `[decomposition]`
 |
 | --set decomposition.step=5
 |                     ^^^^ did you mean `steps`?
 |
 = help: allowed here: steps, batch, learning_rate, warm_up, weight_decay, schedule

error: 1 mistake in --set

"#]]);
}

#[test]
fn a_word_of_set_is_text() {
    set(&["method.apd.rank=full"]).says(str![[r#"
error: `rank` must be an integer from 1 to 100_000
 |
 | --set method.apd.rank=full
 |                       ^^^^ this is the text "full"

error: 1 mistake in --set

"#]]);
}

#[test]
fn a_set_without_a_value_is_refused() {
    set(&["method.apd.rank"]).says(str![[r#"
error: `--set` lacks a value
 |
 | --set method.apd.rank
 |       ^^^^^^^^^^^^^^^ no `=` in here
 |
 = help: write it as KEY=VALUE, for example --set method.apd.rank=1

error: 1 mistake in --set

"#]]);
}

#[test]
fn a_set_without_a_key_is_refused() {
    set(&["=3"]).says(str![[r#"
error: `--set` needs a dotted key
 |
 | --set =3
 |       ^ this is no key
 |
 = help: write it as KEY=VALUE, for example --set method.apd.rank=1

error: 1 mistake in --set

"#]]);
}

#[test]
fn a_set_with_a_hole_in_its_key_is_refused() {
    set(&["method..rank=3"]).says(str![[r#"
error: `--set` needs a dotted key
 |
 | --set method..rank=3
 |              ^ this is no key
 |
 = help: write it as KEY=VALUE, for example --set method.apd.rank=1

error: 1 mistake in --set

"#]]);
}

#[test]
fn a_set_with_nothing_after_the_equals_sign_is_refused() {
    set(&["method.apd.rank="]).says(str![[r#"
error: `--set` lacks a value
 |
 | --set method.apd.rank=
 |                      ^ nothing after it
 |
 = help: write it as KEY=VALUE, for example --set method.apd.rank=1

error: 1 mistake in --set

"#]]);
}

#[test]
fn a_set_with_half_a_value_is_refused() {
    set(&["seeds=[1, 2"]).says(str![[r#"
error: this is not TOML: unclosed array, expected `]`
 |
 | --set seeds=[1, 2
 |                  ^

error: 1 mistake in --set

"#]]);
}

#[test]
fn a_conflict_between_set_and_file_is_shown_where_it_was_set() {
    set(&["method.apd.selection.batch_top_k.k=7"]).says(str![[r#"
error: `k` must be at most the number of components
 |
 | --set method.apd.selection.batch_top_k.k=7
 |                                          ^ `components` is 5

error: 1 mistake in --set

"#]]);
}

#[test]
fn a_conflict_caused_by_set_is_shown_at_the_value_in_the_file() {
    with(&[("k = 0.211", "k = 2")]).and_set(&["method.apd.components=1"]).says(str![[r#"
error: `k` must be at most the number of components
  --> x.toml:19:5
   |
19 | k = 2
   |     ^ `components` is 1

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_set_table_replaces_the_whole_table() {
    set(&["decomposition={steps = 10}"]).says(str![[r#"
error: `[decomposition]` lacks `batch` and `learning_rate`
 |
 | --set decomposition={steps = 10}
 |                     ^^^^^^^^^^^^
 |
 = help: add, for example:
         batch = 2_048
         learning_rate = 0.005

error: 1 mistake in --set

"#]]);
}

#[test]
fn a_tab_before_the_mistake_moves_the_caret() {
    with(&[("rank = 3", "\trank\t= 0")]).says(str![[r#"
error: `rank` must be an integer from 1 to 100_000
  --> x.toml:15:9
   |
15 |     rank    = 0
   |               ^ this is 0

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_carriage_return_is_not_shown() {
    Case { text: CORRECT.replace("rank = 3", "rank = 0").replace('\n', "\r\n"), overrides: Vec::new() }.says(str![[
        r#"
error: `rank` must be an integer from 1 to 100_000
  --> x.toml:15:8
   |
15 | rank = 0
   |        ^ this is 0

error: 1 mistake in x.toml

"#
    ]]);
}

#[test]
fn wide_letters_before_the_mistake_keep_the_caret_in_place() {
    with(&[("rank = 3", "selection_ = \"日本語\" # é")]).says(str![[r#"
error: `[method.apd]` lacks `rank`
  --> x.toml:13:1
   |
13 | [method.apd]
   | ^^^^^^^^^^^^
   |
   = help: add, for example:
           rank = 3

error: unknown key `selection_` in `[method.apd]`
  --> x.toml:15:1
   |
15 | selection_ = "日本語" # é
   | ^^^^^^^^^^ did you mean `selection`?
   |
   = help: allowed here: components, rank, schatten_power, rank_growth, simplicity_rise, simplicity_fade, activity_floor, attribution, attributions_at, columns, last_component, coefficients, initial_values, selection

error: 2 mistakes in x.toml

"#]]);
}

#[test]
fn a_very_long_key_is_cut() {
    after(&format!("{} = 1", "k".repeat(5_000))).says(str![[r#"
error: unknown key `kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk..` in the spec
 --> x.toml:1:1
  |
1 | kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk...kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk = 1
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^...^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: allowed here: format, name, seeds, target, method, decomposition, measurement, imported_components, sweep

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn mistakes_after_the_twentieth_are_only_counted() {
    let spec = after(&(0..25).map(|n| format!("wrong_{n} = {n}\n")).collect::<String>());
    let text = parse(Path::new("x.toml"), &spec.text, &[]).unwrap_err().to_string();
    assert!(text.contains("`wrong_19`") && !text.contains("`wrong_20`"));
    assert!(text.ends_with("\n\nerror: 25 mistakes in x.toml (5 of them not shown)\n"), "{text}");
}

/// The name of a spec that a `--set` gives it.
fn name_of(setting: &str) -> String {
    parse(Path::new("x.toml"), CORRECT, &[setting.to_string()]).unwrap_or_else(|error| panic!("{error}")).name
}

#[test]
fn a_key_that_takes_text_takes_what_looks_like_something_else_as_it_was_typed() {
    for typed in ["123", "1e5", "2024-01-01", "true", "1234567", "007", "inf", "nan", "1.50", "0x10", "1_000", "x"] {
        assert_eq!(name_of(&format!("name={typed}")), typed);
    }
    assert_eq!(name_of("name='007'"), "007");
    assert_eq!(name_of("name= 007 "), "007");
    set(&["name=+1.50"]).says(str![[r#"
error: `name` must be 1 to 64 letters, digits, `.`, `_` or `-` and not begin with `.` or `-`
 |
 | --set name=+1.50
 |            ^^^^^ this is the text "+1.50"

error: 1 mistake in --set

"#]]);
    // A number remains one where a number is asked for, and is named as one elsewhere.
    set(&["decomposition.schedule=3", "seeds=1 2", "method.apd.rank=1.0"]).says(str![[r#"
error: `schedule` must be one of "constant", "linear", "cosine", { exponential = { .. } }, { cosine_decay = { .. } }, { linear_decay = { .. } }
 |
 | --set decomposition.schedule=3
 |                              ^ this is 3

error: `seeds` must be their number, from 1 to 1_000, or a list of them
 |
 | --set seeds=1 2
 |             ^^^ this is the text "1 2"

error: `rank` must be an integer from 1 to 100_000
 |
 | --set method.apd.rank=1.0
 |                       ^^^ this is 1.0

error: 3 mistakes in --set

"#]]);
}

#[test]
fn settings_of_slurm_are_text_as_it_was_typed() {
    let settings = ["space.method.apd.rank=[1, 2]", "slurm.time=1-04:00:00", "slurm.memory=8", "slurm.partition=1e5"];
    let settings = settings.map(|setting| format!("sweep.{setting}"));
    let trials = apd::sweep::parse_trials(Path::new("x.toml"), CORRECT, &settings).unwrap();
    let slurm = format!("{:?}", trials.sweep.slurm);
    for typed in ["\"1-04:00:00\"", "\"8\"", "\"1e5\""] {
        assert!(slurm.contains(typed), "{slurm}");
    }
}

#[test]
fn what_cannot_be_seen_is_named_with_its_place() {
    with(&[("hidden = 2", "hid\u{200b}den = 2"), ("steps = 5_000", "steps\u{a0}=\u{a0}5_000")]).says(str![[r#"
error: this is not TOML: invalid unquoted key, expected letters, numbers, `-`, `_`
 --> x.toml:3:4
  |
3 | hid�den = 2
  |    ^
  |
  = help: line 3, column 4 is U+200B ZERO WIDTH SPACE, which cannot be seen: delete it

error: this is not TOML: invalid unquoted key, expected letters, numbers, `-`, `_`
 --> x.toml:9:6
  |
9 | steps�=�5_000
  |      ^
  |
  = help: line 9, column 6 is U+00A0 NO-BREAK SPACE, which looks like a blank: write a blank
  = help: line 9, column 8 is U+00A0 NO-BREAK SPACE, which looks like a blank: write a blank

error: 2 mistakes in x.toml

"#]]);
    with(&[("hidden = 2", "\"hid\u{ad}den\" = 2")]).says(str![[r#"
error: unknown key `hid\u{ad}den` in `[target.tms]`
 --> x.toml:3:1
  |
3 | "hid�den" = 2
  | ^^^^^^^^ did you mean `hidden`?
  |
  = help: allowed here: features, hidden, hidden_layers, hidden_kind, tied
  = help: line 3, column 5 is U+00AD SOFT HYPHEN, which cannot be seen: delete it

error: 1 mistake in x.toml

"#]]);
    set(&["decomposition.schedule=cosine\u{200f}", "see\u{2060}ds=3", "seeds=[1,\u{a0}2]"]).says(str![[r#"
error: `schedule` must be one of "constant", "linear", "cosine", { exponential = { .. } }, { cosine_decay = { .. } }, { linear_decay = { .. } }
 |
 | --set decomposition.schedule=cosine�
 |                              ^^^^^^ did you mean "cosine"?
 |
 = help: character 30 of the setting is U+200F RIGHT-TO-LEFT MARK, which cannot be seen: delete it

error: `--set` needs a dotted key
 |
 | --set see�ds=3
 |       ^^^^^ this is no key
 |
 = help: write it as KEY=VALUE, for example --set method.apd.rank=1
 = help: character 4 of the setting is U+2060 WORD JOINER, which cannot be seen: delete it

error: this is not TOML: string values must be quoted, expected literal string
 |
 | --set seeds=[1,�2]
 |                ^^
 |
 = help: character 10 of the setting is U+00A0 NO-BREAK SPACE, which looks like a blank: write a blank

error: 3 mistakes in --set

"#]]);
}

#[test]
fn what_looks_like_another_character_is_named_with_what_to_write() {
    after("name = \u{201c}tiny\u{201d}").says(str![[r#"
error: this is not TOML: string values must be quoted, expected literal string
 --> x.toml:1:8
  |
1 | name = “tiny”
  |        ^^^^^^
  |
  = help: line 1, column 8 is U+201C LEFT DOUBLE QUOTATION MARK: write "
  = help: line 1, column 13 is U+201D RIGHT DOUBLE QUOTATION MARK: write "

error: 1 mistake in x.toml

"#]]);
    with(&[("= 0.005", "= \u{2212}0.005"), ("rank = 3", "r\u{430}nk = 3")]).says(str![[r#"
error: this is not TOML: string values must be quoted, expected literal string
  --> x.toml:11:17
   |
11 | learning_rate = −0.005
   |                 ^^^^^^
   |
   = help: line 11, column 17 is U+2212 MINUS SIGN: write -

error: this is not TOML: invalid unquoted key, expected letters, numbers, `-`, `_`
  --> x.toml:15:2
   |
15 | rаnk = 3
   |  ^
   |
   = help: line 15, column 2 is U+0430 CYRILLIC SMALL LETTER A: write a

error: 2 mistakes in x.toml

"#]]);
}

#[test]
fn a_mark_of_byte_order_and_the_line_ends_of_windows_are_no_mistakes() {
    let text = format!("\u{feff}{}", CORRECT.replace('\n', "\r\n"));
    let plain = parse(Path::new("x.toml"), CORRECT, &[]).unwrap();
    assert_eq!(parse(Path::new("x.toml"), &text, &[]).unwrap(), plain);
    only("name = \"a\"\rseeds = 2").says(str![[r#"
error: this is not TOML: carriage return must be followed by newline, expected newline
 --> x.toml:1:12
  |
1 | name = "a"␍seeds = 2
  |            ^
  |
  = help: line 1, column 11 is U+000D CARRIAGE RETURN, which ends no line here: end the line as others do

error: 1 mistake in x.toml

"#]]);
}

#[test]
fn a_value_that_was_filled_in_is_told_as_one() {
    let (target, _) = CORRECT.split_once("[method.apd]").unwrap();
    only(&target.replace("probability = 0.05", "probability = 1e-9"))
        .and_set(&["decomposition.batch=4"])
        .says(str![[r#"
error: `k` times `decomposition.batch` must be at least 1, or nothing is ever selected
--> x.toml
 = help: 0.0000000026250000000000003 * 4 is less; a spec without `[method]` has `method.apd.selection.batch_top_k.k` filled in: give it in the spec

error: 1 mistake in x.toml

"#]]);
}
