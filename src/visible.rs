//! Text from files and folders' names as it can be shown: a terminal obeys control characters, and characters that turn the
//! direction of writing hide what stands there.

/// Marks, embeddings, overrides and isolates of the direction of writing (Unicode Standard Annex 9, section 2).
const TURNING: [char; 12] = [
    '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}',
    '\u{2067}', '\u{2068}', '\u{2069}',
];

/// `text` with a mark in the place of each character that would do something instead of being seen.
pub fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || TURNING.contains(&c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The same of several lines, which remain lines.
pub fn visible_lines(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| line.strip_suffix('\n').map_or_else(|| visible(line), |line| visible(line) + "\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_act_is_seen_and_lines_remain() {
        let text = "a\u{1b}[31m\tb\r\u{202e}c\n\nd\u{9b}é\n";
        assert_eq!(visible(text), "a\u{fffd}[31m\u{fffd}b\u{fffd}\u{fffd}c\u{fffd}\u{fffd}d\u{fffd}é\u{fffd}");
        assert_eq!(visible_lines(text), "a\u{fffd}[31m\u{fffd}b\u{fffd}\u{fffd}c\n\nd\u{fffd}é\n");
        assert_eq!(visible_lines("no end"), "no end");
    }
}
