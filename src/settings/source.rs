//! Where a value was written: the spec's file, or a `--set` of the command line.

use std::ops::Range;

/// What the text of a `--set` begins with.
pub const SET: &str = "--set ";

/// The texts of which one experiment is read: the file first, then each `--set` in its order.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The file as the user named it.
    pub path: String,
    texts: Vec<String>,
}

/// A stretch of bytes in one of the sources.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// 0 is the file, `n` the n-th `--set`, and [`Origin::FILLED_IN`] the program itself.
    pub source: usize,
    pub start: usize,
    pub end: usize,
}

/// One line of a source, as a snippet shows it.
pub struct Line<'a> {
    pub text: &'a str,
    /// Counted from 1.
    pub number: usize,
    /// The bytes of this line that the origin covers.
    pub span: Range<usize>,
}

impl Sources {
    pub fn new(path: String, text: &str, overrides: &[String]) -> Self {
        let mut texts = vec![text.to_string()];
        texts.extend(overrides.iter().map(|setting| format!("{SET}{setting}")));
        Self { path, texts }
    }

    pub fn file(&self) -> &str {
        &self.texts[0]
    }

    /// The `--set` texts with their source numbers.
    pub fn overrides(&self) -> impl Iterator<Item = (usize, &str)> {
        self.texts.iter().map(String::as_str).enumerate().skip(1)
    }

    /// The line on which `origin` starts; an origin over several lines is cut at the end of its first.
    pub fn line(&self, origin: &Origin) -> Line<'_> {
        let text = &self.texts[origin.source];
        let start = boundary(text, origin.start);
        let begin = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let line = text[begin..end].trim_end_matches('\r');
        let start = (start - begin).min(line.len());
        let stop = boundary(line, origin.end.saturating_sub(begin)).max(start);
        Line { text: line, number: 1 + text[..begin].matches('\n').count(), span: start..stop }
    }
}

impl Origin {
    /// The source of values that no text gives.
    const FILLED_IN: usize = usize::MAX;

    /// Of a value that no text gives: a default that depends on other settings.
    pub fn filled_in() -> Self {
        Self::new(Self::FILLED_IN, 0..0)
    }

    pub fn is_filled_in(&self) -> bool {
        self.source == Self::FILLED_IN
    }

    /// Whether a `--set` gives it.
    pub fn is_set(&self) -> bool {
        self.source > 0 && !self.is_filled_in()
    }

    pub fn new(source: usize, span: Range<usize>) -> Self {
        Self { source, start: span.start, end: span.end }
    }
}

/// The last place up to byte `place` at which `text` can be cut.
fn boundary(text: &str, place: usize) -> usize {
    (0..=place.min(text.len())).rev().find(|place| text.is_char_boundary(*place)).unwrap_or(0)
}
