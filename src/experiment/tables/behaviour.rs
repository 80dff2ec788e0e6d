//! The tables of what target and components do on chosen inputs. They are long, so their numbers have six digits.

use serde::Serialize;

use crate::run::SixDigits;

pub const ATTRIBUTIONS: &[&str] = &["replica", "feature", "component", "attribution"];

#[derive(Debug, Serialize)]
pub struct AttributionRow {
    pub replica: usize,
    /// Of gated functions a control bit.
    pub feature: usize,
    pub component: usize,
    /// Root mean square over the inputs with this feature alone.
    pub attribution: SixDigits,
}

pub const COACTIVITY: &[&str] = &["replica", "component", "other", "correlation"];

#[derive(Debug, Serialize)]
pub struct CoactivityRow {
    pub replica: usize,
    pub component: usize,
    /// Above `component`.
    pub other: usize,
    pub correlation: SixDigits,
}

pub const RESPONSES: &[&str] = &["replica", "feature", "output", "target", "component"];

/// Of toy models of superposition and residual MLPs.
#[derive(Debug, Serialize)]
pub struct ResponseRow {
    pub replica: usize,
    pub feature: usize,
    pub output: usize,
    pub target: SixDigits,
    /// Empty for a feature without a component.
    pub component: Option<SixDigits>,
}

pub const CURVES: &[&str] = &["replica", "feature", "input", "label", "target", "component", "selected"];

/// Of residual MLPs and gated functions.
#[derive(Debug, Serialize)]
pub struct CurveRow {
    pub replica: usize,
    /// Of gated functions a control bit.
    pub feature: usize,
    pub input: SixDigits,
    /// Empty where the target's task is not known.
    pub label: Option<SixDigits>,
    pub target: SixDigits,
    /// Empty of a feature that the target does not represent.
    pub component: Option<SixDigits>,
    /// Empty in the L_p form, which selects nothing.
    pub selected: Option<SixDigits>,
}

pub const SCRUBBING_CURVES: &[&str] = &[
    "replica",
    "feature",
    "input",
    "label",
    "target",
    "scrubbed_low",
    "scrubbed_median",
    "scrubbed_high",
    "anti_scrubbed_low",
    "anti_scrubbed_median",
    "anti_scrubbed_high",
];

/// Of residual MLPs.
#[derive(Debug, Serialize)]
pub struct ScrubbingCurveRow {
    pub replica: usize,
    pub feature: usize,
    pub input: SixDigits,
    pub label: SixDigits,
    pub target: SixDigits,
    pub scrubbed_low: SixDigits,
    pub scrubbed_median: SixDigits,
    pub scrubbed_high: SixDigits,
    pub anti_scrubbed_low: SixDigits,
    pub anti_scrubbed_median: SixDigits,
    pub anti_scrubbed_high: SixDigits,
}
