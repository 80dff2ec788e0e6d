//! The layout of the matrices in a file, which way round they are.
//!
//! Matrices act on row vectors here, y = x W with W [in, out]. A `torch.nn.Linear` keeps its weight as [out, in]. Either
//! is read. Which of them a file has is told by the shapes of its tensors together, by the note that our own files
//! carry, or by the user. Where none of them tells, nothing is guessed.
//!
//! Every layout is tried on the file; what comes of each is a [`Trial`], and [`decide`] finds the one that holds.

use std::{fmt, path::Path};

use clap::ValueEnum;

use super::mistakes::{unfit, with_mistakes};
use crate::run::RunError;

/// A layout of the matrices in a file.
pub trait Layout: Copy + PartialEq + ValueEnum + fmt::Debug {
    /// What is laid out, in the plural.
    const WHAT: &'static str;

    /// Which axes these have.
    fn axes(self) -> &'static str;

    /// The layout that a file's note `axes` is about.
    fn noted(axes: &str) -> Option<Self>;

    /// The layout as an option's value.
    fn name(self) -> String {
        self.to_possible_value().expect("no layout is hidden").get_name().to_string()
    }
}

/// The layout of a network's matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TargetLayout {
    /// [in, out], y = x W: our files and the paper authors' state dicts
    Matrix,
    /// [out, in], as torch.nn.Linear keeps its weight
    Linear,
}

impl TargetLayout {
    /// The note on the axes of a file of one network.
    pub const NOTE: &'static str = "d_in, d_out";
    /// The note on the axes of a file of several networks.
    pub const NOTE_OF_REPLICAS: &'static str = "replica, d_in, d_out";
}

impl Layout for TargetLayout {
    const WHAT: &'static str = "matrices";

    fn axes(self) -> &'static str {
        match self {
            Self::Matrix => "[in, out]",
            Self::Linear => "[out, in], as torch.nn.Linear keeps them",
        }
    }

    fn noted(axes: &str) -> Option<Self> {
        [Self::NOTE, Self::NOTE_OF_REPLICAS].contains(&axes).then_some(Self::Matrix)
    }
}

/// The layout of the factors of components.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FactorLayout {
    /// A [d_in, rank], B [rank, d_out], and A B is the component's matrix [d_in, d_out]: our files and the paper authors'
    Matrix,
    /// A [rank, d_in], B [d_out, rank], each as torch.nn.Linear keeps its weight
    Linear,
    /// A [d_out, rank], B [rank, d_in], and A B is the component's weight [d_out, d_in] of a torch.nn.Linear
    LinearProduct,
}

impl FactorLayout {
    /// The note on the axes of a file of components.
    pub const NOTE: &'static str = "A: replica, component, d_in, rank; B: replica, component, rank, d_out";
}

impl Layout for FactorLayout {
    const WHAT: &'static str = "factors";

    fn axes(self) -> &'static str {
        match self {
            Self::Matrix => "A [d_in, rank], B [rank, d_out]",
            Self::Linear => "A [rank, d_in], B [d_out, rank]",
            Self::LinearProduct => "A [d_out, rank], B [rank, d_in], A B the weight of a torch.nn.Linear",
        }
    }

    fn noted(axes: &str) -> Option<Self> {
        (axes == Self::NOTE).then_some(Self::Matrix)
    }
}

/// What a file holds if it has this layout, with what is then wrong with it.
pub struct Trial<L, C> {
    pub layout: L,
    pub content: Option<C>,
    pub mistakes: Vec<String>,
}

/// What there is to decide on.
pub struct Question<'a, L> {
    pub path: &'a Path,
    /// The option that gives the layout.
    pub option: &'a str,
    pub given: Option<L>,
    pub noted: Option<L>,
}

/// What tells the layout of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ToldBy {
    Shapes,
    Note,
    User,
    /// Nothing does and nothing has to: what is read is the same in every layout that fits.
    Nothing,
}

/// A file's content in the layout that it has.
pub struct Decision<L, C> {
    pub layout: L,
    pub told_by: ToldBy,
    pub content: C,
}

/// Finds the layout of a file among `trials`.
///
/// # Errors
/// If the file fits none; if it is not the one that the user gave or that the file's note is about; if it fits several in
/// which it holds different things, as `is_same` says, and nothing but the shapes could tell.
pub fn decide<L: Layout, C>(
    question: &Question<L>,
    trials: Vec<Trial<L, C>>,
    is_same: impl Fn(&C, &C) -> bool,
) -> Result<Decision<L, C>, RunError> {
    let Question { path, option, given, noted } = *question;
    if let (Some(given), Some(noted)) = (given, noted)
        && given != noted
    {
        let what =
            format!("{} does not have the layout {}: its note says {}", path.display(), given.name(), noted.axes());
        return Err(RunError::new(
            what,
            format!("leave {option} out: it is a file of apd, which is read as its note says"),
        ));
    }
    let asserted = given.or(noted);
    let (fitting, others): (Vec<_>, Vec<_>) = trials.into_iter().partition(|trial| trial.mistakes.is_empty());
    let fits = |trial: &&Trial<L, C>| asserted.is_none_or(|layout| trial.layout == layout);
    let told_by = match () {
        () if given.is_some() => ToldBy::User,
        () if fitting.len() == 1 => ToldBy::Shapes,
        () if noted.is_some() => ToldBy::Note,
        () => ToldBy::Nothing,
    };
    let Some(first) = fitting.iter().position(|trial| fits(&trial)) else {
        let refused =
            others.iter().filter(fits).min_by_key(|trial| trial.mistakes.len()).expect("every layout is tried");
        return Err(match (asserted, fitting.first()) {
            (Some(layout), Some(other)) => contradiction(question, layout, &refused.mistakes, other.layout),
            _ => unfit(path, &refused.mistakes),
        });
    };
    if asserted.is_none() {
        let content = |index: usize| fitting[index].content.as_ref().expect("it fits");
        let differing: Vec<L> = (0..fitting.len())
            .filter(|&index| index == 0 || !is_same(content(0), content(index)))
            .map(|index| fitting[index].layout)
            .collect();
        if differing.len() > 1 {
            return Err(untold(question, &differing));
        }
    }
    let Trial { layout, content, .. } = fitting.into_iter().nth(first).expect("it was found there");
    Ok(Decision { layout, told_by, content: content.expect("it fits") })
}

fn contradiction<L: Layout>(question: &Question<L>, layout: L, mistakes: &[String], other: L) -> RunError {
    let Question { path, option, given, .. } = question;
    let (what, help) = match given {
        Some(_) => (
            format!("{} does not have the layout {}", path.display(), layout.name()),
            format!("leave {option} out, or give {option} {}: that fits its shapes", other.name()),
        ),
        None => (
            format!("{} has a note that its {} are {}, which does not fit", path.display(), L::WHAT, layout.axes()),
            "save its tensors without the metadata of a file of apd".to_string(),
        ),
    };
    RunError::new(with_mistakes(&what, mistakes), help)
}

fn untold<L: Layout>(question: &Question<L>, layouts: &[L]) -> RunError {
    let Question { path, option, .. } = question;
    let what = format!(
        "{} does not tell which way round its {} are: they fit in more than one layout",
        path.display(),
        L::WHAT
    );
    let choices = layouts.iter().map(|layout| format!("{option} {} if they are {}", layout.name(), layout.axes()));
    RunError::new(what, format!("give {}", choices.collect::<Vec<_>>().join(", or ")))
}
