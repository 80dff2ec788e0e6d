//! What is declared of a column beside its field: [`key`], [`words`], [`verdict`] or [`number`], and whether and how reports
//! show it.

use super::NetworkKind;

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    /// The field's documentation.
    about: &'static str,
    pub holds: Holds,
    /// Empty where there is none.
    pub unit: &'static str,
    /// The networks of which the column holds something.
    pub of: &'static [NetworkKind],
    /// How the table of replicas shows the column, if it does.
    pub shown: Option<Shown>,
    /// How the table of means shows the column, if it does.
    pub mean: Option<Mean>,
    /// Where the column stands among those that are shown.
    pub place: Place,
}

/// What kind of value a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A number that says which thing is meant, of which no mean is taken.
    Key,
    Words,
    /// `true` or `false`.
    Verdict,
    Number,
}

/// A column in the table of replicas.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    pub heading: &'static str,
    pub format: Format,
    /// The networks of whose runs it is shown.
    pub of: &'static [NetworkKind],
    /// Whether it is left out where no replica has a number in it.
    pub if_known: bool,
}

/// A column in the table of means.
#[derive(Clone, Copy, Debug)]
pub struct Mean {
    pub heading: &'static str,
    /// Digits behind the point.
    pub digits: usize,
    /// The column by which each replica's number is divided first, if it is.
    pub over: Option<&'static str>,
    /// The networks of whose runs it is shown.
    pub of: &'static [NetworkKind],
}

/// How a table of a report writes a value.
#[derive(Clone, Copy, Debug)]
pub enum Format {
    /// As it is.
    Plain,
    /// A number with so many digits behind the point.
    Fixed(usize),
    /// A number with its power of ten.
    Scientific,
}

/// The parts of a table of replicas, in their order. Within a part columns stand as they do in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Which replica it is, and its losses.
    Losses,
    /// What is known because the mechanisms are.
    Mechanisms,
    /// How many components are in use, and what that is worth.
    Activity,
    Outcome,
}

/// A column that says which thing a row is about, such as a replica's number.
pub const fn key() -> Column {
    column(Holds::Key, "")
}

/// A column of words.
pub const fn words() -> Column {
    column(Holds::Words, "")
}

/// A column of `true` and `false`.
pub const fn verdict() -> Column {
    column(Holds::Verdict, "true, false")
}

/// A column of numbers in this unit, empty for none.
pub const fn number(unit: &'static str) -> Column {
    column(Holds::Number, unit)
}

const fn column(holds: Holds, unit: &'static str) -> Column {
    let of = NetworkKind::ALL;
    Column { name: "", about: "", holds, unit, of, shown: None, mean: None, place: Place::Outcome }
}

impl Column {
    /// Of these networks alone.
    pub const fn of(mut self, of: &'static [NetworkKind]) -> Self {
        self.of = of;
        self
    }

    /// Shown in the table of replicas, of the networks that have it.
    pub const fn shown(mut self, heading: &'static str, format: Format, place: Place) -> Self {
        self.shown = Some(Shown { heading, format, of: self.of, if_known: false });
        self.place = place;
        self
    }

    /// Shown only where a replica has a number in it.
    pub const fn if_known(mut self) -> Self {
        if let Some(shown) = &mut self.shown {
            shown.if_known = true;
        }
        self
    }

    /// Shown in the table of replicas of these networks alone, though others have it too.
    pub const fn shown_of(mut self, of: &'static [NetworkKind]) -> Self {
        if let Some(shown) = &mut self.shown {
            shown.of = of;
        }
        self
    }

    /// Shown in the table of means, with so many digits behind the point.
    pub const fn mean(mut self, heading: &'static str, digits: usize, place: Place) -> Self {
        self.mean = Some(Mean { heading, digits, over: None, of: self.of });
        self.place = place;
        self
    }

    /// Shown in the table of means of these networks alone, though others have it too.
    pub const fn mean_of(mut self, of: &'static [NetworkKind]) -> Self {
        if let Some(mean) = &mut self.mean {
            mean.of = of;
        }
        self
    }

    /// Shown in the table of means as its ratio to another column.
    pub const fn ratio(mut self, heading: &'static str, over: &'static str, digits: usize) -> Self {
        self.mean = Some(Mean { heading, digits, over: Some(over), of: self.of });
        self
    }

    /// With the name and the documentation of its field.
    pub const fn named(mut self, name: &'static str, about: &'static str) -> Self {
        self.name = name;
        self.about = about;
        self
    }

    /// What the column holds, in a sentence or two without marks of Markdown.
    pub fn in_short(&self) -> String {
        paragraphs(self.about).next().unwrap_or_default().replace('`', "")
    }

    /// Everything that is said of the column.
    pub fn in_full(&self) -> String {
        paragraphs(self.about).collect::<Vec<_>>().join(" ")
    }

    /// How reports call the column, if they show it.
    pub fn heading(&self) -> Option<&'static str> {
        let of_mean = self.mean.filter(|mean| mean.over.is_none()).map(|mean| mean.heading);
        self.shown.map(|shown| shown.heading).or(of_mean)
    }
}

/// The paragraphs of a documentation comment, each in one line.
pub(super) fn paragraphs(about: &str) -> impl Iterator<Item = String> {
    let lines: Vec<&str> = about.lines().map(str::trim).collect();
    let paragraphs: Vec<String> = lines.split(|line| line.is_empty()).map(|lines| lines.join(" ")).collect();
    paragraphs.into_iter().filter(|paragraph| !paragraph.is_empty())
}
