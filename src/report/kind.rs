//! What the tables tell of a run, by the kind of its network.

use super::{
    rows::SummaryRow,
    run_data::{RunData, Target},
    table::{fixed, scientific, verdict},
};

/// A column of the table of replicas: heading, and the cell for a replica.
pub type Column = (&'static str, fn(&SummaryRow) -> String);

/// A number of a replica of which the mean is shown: heading, digits, and the number.
pub type Mean = (&'static str, usize, fn(&SummaryRow) -> f64);

/// What is told of one kind of network beside what is told of all.
pub struct Kind {
    columns: &'static [Column],
    pub means: &'static [Mean],
    /// What the columns and the means are.
    words: &'static str,
}

const TMS: Kind = Kind {
    columns: &[
        ("simple", |row| scientific(row.simplicity)),
        ("MMCS", |row| fixed(row.mmcs, 3)),
        ("ML2R", |row| fixed(row.ml2r, 3)),
    ],
    means: TMS_MEANS,
    words: "MMCS: mean max cosine similarity of components and features; ML2R: mean ratio of their L2 norms;",
};

pub const TMS_MEANS: &[Mean] = &[("MMCS", 3, |row| row.mmcs), ("ML2R", 3, |row| row.ml2r)];

/// Of the networks whose features are judged one by one.
pub const OWN: Mean = ("own", 1, |row| row.features_with_own_component);

const BITS: Mean = ("bits", 1, |row| row.description_length);

const RESIDUAL_MLP: Kind = Kind {
    columns: &[
        OWN_COLUMN,
        ("mono", |row| fixed(row.monosemantic, 0)),
        ("dupl", |row| fixed(row.duplicate, 0)),
        ("mixed", |row| fixed(row.mixed, 0)),
        ("idle", |row| fixed(row.idle, 0)),
        ("scrub", |row| scientific(row.scrubbed_error)),
        ("anti", |row| scientific(row.anti_scrubbed_error)),
    ],
    means: &[
        OWN,
        ("scrub / anti", 3, |row| row.scrubbed_error / row.anti_scrubbed_error),
        ("layers", 2, |row| row.mean_layers_spanned),
        BITS,
    ],
    words: "own: features with a component of their own; mono, dupl, mixed, idle: components that serve one feature as \
            the first, one feature as another, several features, none; scrub, anti: mean squared error with half of the \
            components ablated, sparing or including those of the active features; layers: that a mean component spans; \
            bits: description length of a mean sample;",
};

const OWN_COLUMN: Column = ("own", |row| fixed(row.features_with_own_component, 0));

const GATED_FUNCTIONS: Kind = Kind {
    columns: &[("simple", |row| scientific(row.simplicity)), OWN_COLUMN],
    means: &[OWN, BITS],
    words: "own: functions with a component of their own, of cosine 0.95 at least to their true weights; bits: \
            description length of a mean sample;",
};

const REPLICA: [Column; 4] = [
    ("replica", |row| row.replica.to_string()),
    ("seed", |row| row.seed.to_string()),
    ("faithful", |row| scientific(row.faithfulness)),
    ("minimal", |row| scientific(row.minimality)),
];

const ACTIVITY: [Column; 2] = [("active", |row| fixed(row.mean_active, 2)), ("alive", |row| fixed(row.alive, 0))];

const HIDDEN: Column = ("hidden", |row| fixed(row.alive_on_hidden, 0));

/// Of runs that have scores.
const SCORE: Column = ("score", |row| fixed(row.score, 2));

const END: [Column; 2] =
    [("rank", |row| fixed(row.mean_rank, 2)), ("recovered", |row| verdict(row.recovered).to_owned())];

impl Kind {
    pub fn of(run: &RunData) -> &'static Kind {
        match run.target {
            Some(Target::ResidualMlp { .. }) => &RESIDUAL_MLP,
            Some(Target::GatedFunctions { .. }) => &GATED_FUNCTIONS,
            Some(Target::Tms(_)) | None => &TMS,
        }
    }
}

/// The columns of the run's table of replicas.
pub fn columns(run: &RunData) -> Vec<Column> {
    let own = Kind::of(run).columns.iter().copied();
    let hidden = has_hidden(run).then_some(HIDDEN);
    let score = has_scores(run).then_some(SCORE);
    REPLICA.into_iter().chain(own).chain(ACTIVITY).chain(hidden).chain(score).chain(END).collect()
}

/// What these columns are, for the foot of the table.
pub fn columns_explained(run: &RunData) -> String {
    let kind = Kind::of(run);
    let simple = if kind.columns.iter().any(|(name, _)| *name == "simple") { ", simple" } else { "" };
    let hidden = if has_hidden(run) { " hidden: components alive on a hidden layer;" } else { "" };
    let score = if has_scores(run) {
        " score: powers of ten by which few components lower the error, less what profiles that are not one to one cost;"
    } else {
        ""
    };
    format!(
        "faithful, minimal{simple}: the losses, without their coefficients; {} active: components active in a mean \
         sample; alive: components that are ever active;{hidden}{score} rank: numerical rank of a mean component.",
        kind.words
    )
}

fn has_scores(run: &RunData) -> bool {
    run.summary.iter().any(|row| row.score.is_finite())
}

fn has_hidden(run: &RunData) -> bool {
    run.summary.iter().any(|row| row.alive_on_hidden.is_finite())
}
