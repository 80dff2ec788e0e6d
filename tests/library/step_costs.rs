//! What the benchmark counts of a step: its products and operations, from the shapes alone.

use std::path::Path;

use apd::spec::{Spec, load};

use crate::operations::Step;

fn spec(name: &str, seeds: usize) -> Spec {
    spec_with(name, &[&format!("seeds={seeds}")])
}

fn spec_with(name: &str, overrides: &[&str]) -> Spec {
    let path = Path::new("experiments").join(name).with_extension("toml");
    let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
    load(&path, &overrides).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_fast_step_of_tms_5_2_has_as_many_operations_as_counted_by_hand() {
    let target = 2 * 10 + 2 * 10;
    // x A, times B, x W; h B^T, times A^T, h W^T, the bias, the first tangents times W^T; and the squares.
    let sweep = (150 + 60 + 20) + (60 + 150 + 20 + 10 + 100) + 50;
    let of_pair = (42 + 54) + (42 + 84);
    let (faithfulness, of_factors) = (3 * 300, 18 * 105);
    // 77.4 % of the samples are empty.
    let expected = 2_048 * target + (463 + 1) * sweep + 432 * of_pair + faithfulness + of_factors;
    assert_eq!(Step::of(&spec("tms_5-2", 1)).fast().total(), f64::from(expected));
}

#[test]
fn a_literal_step_of_tms_5_2_has_as_many_operations_as_counted_by_hand() {
    let target_twice = 80;
    // Component products twice, five outputs' derivatives, back through the sparse pass; and for the tied use the five
    // backward passes.
    let embed = 2 * (150 + 60) + 100 + (60 + 60 + 150);
    let unembed = 2 * (60 + 150) + 250 + (150 + 150 + 60 + 60) + 100;
    let expected = 2_048 * (target_twice + embed + unembed) + 3 * 300 + 18 * 105;
    assert_eq!(Step::of(&spec("tms_5-2", 1)).literal().total(), f64::from(expected));
}

#[test]
fn a_fast_step_of_the_residual_mlp_has_as_many_operations_as_counted_by_hand() {
    let (batch, components, rank, pairs) = (256.0, 130.0, 50.0, 327.0);
    // 36.6 % of the samples are empty.
    let attributed = 162.0 + 1.0;
    let (features, width, neurons) = (100.0, 1_000.0, 50.0);
    let all = components * rank;
    let target = 2.0 * batch * (2.0 * features * width + 2.0 * width * neurons);
    // W_E A and W_E W_in; x times both, and that times B.
    let first = 2.0 * features * width * (all + neurons)
        + 2.0 * attributed * features * (all + neurons)
        + 2.0 * attributed * all * neurons;
    // h A, which is that wide that B waits for W_U, as does W_out.
    let second = 2.0 * attributed * neurons * all + 2.0 * all * width * features + 2.0 * neurons * width * features;
    let last = 2.0 * attributed * all * features + 2.0 * attributed * components * neurons * features;
    // The input's own way to the output, which nothing reads.
    let value = 2.0 * features * width * features + 2.0 * attributed * features * features;
    let squares = 2.0 * attributed * components * features;
    let embeddings = 2.0 * batch * 3.0 * features * width;
    let of_pair =
        2.0 * rank * (width + neurons) * 2.0 + 2.0 * rank * ((width + 2.0 * neurons) + (2.0 * neurons + 2.0 * width));
    let faithfulness = 2.0 * 3.0 * 2.0 * all * width * neurons;
    let of_factors = 18.0 * components * rank * 2.0 * (width + neurons);
    let expected =
        target + first + second + last + value + squares + embeddings + pairs * of_pair + faithfulness + of_factors;
    let sizes = ["seeds=1", "method.apd.components=130", "method.apd.selection.batch_top_k.k=1.28"];
    let counted = Step::of(&spec_with("residual_mlp_1_layer", &sizes)).fast().total();
    assert!((counted / expected - 1.0).abs() < 1e-12, "{counted:e} instead of {expected:e}");
}

#[test]
fn replicas_multiply_the_operations() {
    let (one, three) = (spec("tms_40-10", 1), spec("tms_40-10", 3));
    let (one, three) = (Step::of(&one), Step::of(&three));
    assert_eq!(3.0 * one.fast().total(), three.fast().total());
    assert_eq!(3.0 * one.literal().total(), three.literal().total());
    assert_eq!(3.0 * one.bytes(), three.bytes());
}
