//! A mistake in a spec, and how it is shown: what, where, and what to do instead.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Origin as File, Renderer, Snippet};

use super::{
    skeleton::related,
    source::{Line, Origin, SET, Sources},
    unseen,
};
use crate::visible::visible_lines;

/// More mistakes than these are only counted.
const MAX_SHOWN: usize = 20;

/// One mistake.
#[derive(Clone, Debug)]
pub struct Problem {
    title: String,
    /// `None`: the file as a whole.
    origin: Option<Origin>,
    label: String,
    help: Vec<String>,
    /// Whether the line as a whole is not TOML.
    in_syntax: bool,
    /// The dotted keys whose values cannot be relied on because of it.
    about: Vec<String>,
}

impl Problem {
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            origin: None,
            label: String::new(),
            help: Vec::new(),
            in_syntax: false,
            about: Vec::new(),
        }
    }

    pub fn at(mut self, origin: impl Into<Option<Origin>>) -> Self {
        self.origin = origin.into();
        self
    }

    /// Of a line that is not TOML: what is wrong with it may stand anywhere in it.
    pub fn in_syntax(self) -> Self {
        Self { in_syntax: true, ..self }
    }

    /// With words at the caret.
    pub fn labelled(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// With lines that say what to do; of all that is drawn, only these could hold a user's text as it is.
    pub fn helped(mut self, help: impl Into<String>) -> Self {
        self.help.push(visible_lines(&help.into()));
        self
    }

    pub fn about(mut self, path: impl Into<String>) -> Self {
        self.about.push(path.into());
        self
    }

    /// Whether the value at the dotted key `path`, or one above or below it, is not to be relied on.
    pub fn concerns(&self, path: &str) -> bool {
        self.about.iter().any(|about| related(about, path))
    }

    fn group<'a>(&'a self, sources: &'a Sources) -> Group<'a> {
        let group = Group::with_title(Level::ERROR.primary_title(&self.title));
        let mut help = self.help.clone();
        let group = match &self.origin {
            None => group.element(File::path(&sources.path)),
            // No text is to blame.
            Some(origin) if origin.is_filled_in() => {
                let key = self.about.first().map_or("it", String::as_str);
                help.push(format!(
                    "{}; a spec without `[method]` has `{key}` filled in: give it in the spec",
                    self.label
                ));
                group.element(File::path(&sources.path))
            }
            Some(origin) => {
                let line = sources.line(origin);
                let label = Some(self.label.as_str()).filter(|label| !label.is_empty());
                let in_file = origin.source == 0;
                help.extend(self.unseen(&line, in_file));
                let snippet = Snippet::source(line.text)
                    .line_start(line.number)
                    .line_numbering(in_file)
                    .path(in_file.then_some(sources.path.as_str()))
                    .annotation(AnnotationKind::Primary.span(line.span).label(label));
                group.element(snippet)
            }
        };
        group.elements(help.into_iter().map(|help| Level::HELP.message(help)))
    }

    /// Names the characters that cannot be seen or look like others: of the whole line if it is not TOML, else of what is
    /// underlined.
    fn unseen(&self, line: &Line, in_file: bool) -> Vec<String> {
        const MOST: usize = 3;
        let looked_at = |place: usize| self.in_syntax || line.span.contains(&place);
        let skipped = if in_file { 0 } else { SET.len() };
        let characters = (1..).zip(line.text.char_indices()).skip(skipped).filter(|(_, (place, _))| looked_at(*place));
        let named = characters.filter_map(|(column, (_, c))| Some((column, unseen::in_words(c)?)));
        let place = |column: usize| match in_file {
            true => format!("line {}, column {column}", line.number),
            false => format!("character {} of the setting", column - skipped),
        };
        named.take(MOST).map(|(column, words)| format!("{} is {words}", place(column))).collect()
    }
}

/// Why a spec cannot be used.
#[derive(Clone, Debug)]
pub enum SpecError {
    /// The file cannot be read at all: what is the matter, and what to do.
    Unreadable { title: String, help: String },
    /// Every mistake that was found.
    Mistakes { sources: Sources, problems: Vec<Problem> },
}

impl SpecError {
    /// All mistakes in the order in which they were written, and their number; every line ends with a newline.
    pub fn render(&self, colour: bool) -> String {
        // The renderer shows most control characters as pictures. What else cannot be seen, or turns the direction of writing,
        // is marked where it stands; only the escapes of the colours are meant.
        let is_marked = |c: char| c != '\u{1b}' && unseen::is_unseen(c);
        let text = self.rendered(colour).replace(is_marked, "\u{fffd}");
        text.lines().map(|line| line.trim_end().to_string() + "\n").collect()
    }

    fn rendered(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        match self {
            SpecError::Unreadable { title, help } => {
                let group = Group::with_title(Level::ERROR.primary_title(title));
                renderer.render(&[group.element(Level::HELP.message(help))])
            }
            SpecError::Mistakes { sources, problems } => {
                let mut shown: Vec<&Problem> = problems.iter().collect();
                shown.sort_by_key(|problem| &problem.origin);
                let mut text = String::new();
                for problem in shown.iter().take(MAX_SHOWN) {
                    text += &renderer.render(&[problem.group(sources)]);
                    text += "\n\n";
                }
                let count = count_line(sources, problems);
                text + &renderer.render(&[Group::with_title(Level::ERROR.primary_title(count))])
            }
        }
    }
}

/// Such as `3 mistakes in experiments/x.toml and --set`.
fn count_line(sources: &Sources, problems: &[Problem]) -> String {
    let is_set = |problem: &&Problem| problem.origin.as_ref().is_some_and(Origin::is_set);
    let (all, set) = (problems.len(), problems.iter().filter(is_set).count());
    let place = match set {
        0 => sources.path.clone(),
        set if set == all => "--set".to_string(),
        _ => format!("{} and --set", sources.path),
    };
    let mistakes = if all == 1 { "mistake" } else { "mistakes" };
    let unshown = all.saturating_sub(MAX_SHOWN);
    let more = if unshown > 0 { format!(" ({unshown} of them not shown)") } else { String::new() };
    format!("{all} {mistakes} in {place}{more}")
}

impl fmt::Display for SpecError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(false))
    }
}

impl std::error::Error for SpecError {}

/// A user's text between `quote`s, made harmless for a terminal and cut to a readable length.
pub fn quoted(text: &str, quote: char) -> String {
    const LONGEST: usize = 60;
    let cut: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    let dots = if text.chars().nth(LONGEST).is_some() { ".." } else { "" };
    format!("{quote}{}{dots}{quote}", cut.replace("\\\"", "\"").replace("\\'", "'"))
}
