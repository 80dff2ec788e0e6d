//! Characters that a text holds by mistake: those that cannot be seen, and those that look like others.
//!
//! They come from word processors, web pages and chats. An error that shows the line does not show them, so they are named.

/// What can be done about a character: nothing is in its place, or another one.
type Named = (char, &'static str, &'static str);

/// Unicode's names, and what to write instead; nothing: it is deleted.
const NAMED: [Named; 66] = [
    ('\0', "NULL", ""),
    ('\u{8}', "BACKSPACE", ""),
    ('\u{b}', "LINE TABULATION", " "),
    ('\u{c}', "FORM FEED", " "),
    ('\r', "CARRIAGE RETURN", "\n"),
    ('\u{1b}', "ESCAPE", ""),
    ('\u{7f}', "DELETE", ""),
    ('\u{85}', "NEXT LINE", "\n"),
    ('\u{a0}', "NO-BREAK SPACE", " "),
    ('\u{ad}', "SOFT HYPHEN", ""),
    ('\u{34f}', "COMBINING GRAPHEME JOINER", ""),
    ('\u{61c}', "ARABIC LETTER MARK", ""),
    ('\u{115f}', "HANGUL CHOSEONG FILLER", ""),
    ('\u{1680}', "OGHAM SPACE MARK", " "),
    ('\u{180e}', "MONGOLIAN VOWEL SEPARATOR", ""),
    ('\u{2002}', "EN SPACE", " "),
    ('\u{2003}', "EM SPACE", " "),
    ('\u{2007}', "FIGURE SPACE", " "),
    ('\u{2008}', "PUNCTUATION SPACE", " "),
    ('\u{2009}', "THIN SPACE", " "),
    ('\u{200a}', "HAIR SPACE", " "),
    ('\u{200b}', "ZERO WIDTH SPACE", ""),
    ('\u{200c}', "ZERO WIDTH NON-JOINER", ""),
    ('\u{200d}', "ZERO WIDTH JOINER", ""),
    ('\u{200e}', "LEFT-TO-RIGHT MARK", ""),
    ('\u{200f}', "RIGHT-TO-LEFT MARK", ""),
    ('\u{2028}', "LINE SEPARATOR", "\n"),
    ('\u{2029}', "PARAGRAPH SEPARATOR", "\n"),
    ('\u{202a}', "LEFT-TO-RIGHT EMBEDDING", ""),
    ('\u{202b}', "RIGHT-TO-LEFT EMBEDDING", ""),
    ('\u{202c}', "POP DIRECTIONAL FORMATTING", ""),
    ('\u{202d}', "LEFT-TO-RIGHT OVERRIDE", ""),
    ('\u{202e}', "RIGHT-TO-LEFT OVERRIDE", ""),
    ('\u{202f}', "NARROW NO-BREAK SPACE", " "),
    ('\u{205f}', "MEDIUM MATHEMATICAL SPACE", " "),
    ('\u{2060}', "WORD JOINER", ""),
    ('\u{2066}', "LEFT-TO-RIGHT ISOLATE", ""),
    ('\u{2067}', "RIGHT-TO-LEFT ISOLATE", ""),
    ('\u{2068}', "FIRST STRONG ISOLATE", ""),
    ('\u{2069}', "POP DIRECTIONAL ISOLATE", ""),
    ('\u{3000}', "IDEOGRAPHIC SPACE", " "),
    ('\u{3164}', "HANGUL FILLER", ""),
    ('\u{feff}', "ZERO WIDTH NO-BREAK SPACE", ""),
    ('\u{2010}', "HYPHEN", "-"),
    ('\u{2011}', "NON-BREAKING HYPHEN", "-"),
    ('\u{2012}', "FIGURE DASH", "-"),
    ('\u{2013}', "EN DASH", "-"),
    ('\u{2014}', "EM DASH", "-"),
    ('\u{2212}', "MINUS SIGN", "-"),
    ('\u{2018}', "LEFT SINGLE QUOTATION MARK", "'"),
    ('\u{2019}', "RIGHT SINGLE QUOTATION MARK", "'"),
    ('\u{201c}', "LEFT DOUBLE QUOTATION MARK", "\""),
    ('\u{201d}', "RIGHT DOUBLE QUOTATION MARK", "\""),
    ('\u{201e}', "DOUBLE LOW-9 QUOTATION MARK", "\""),
    ('\u{ab}', "LEFT-POINTING DOUBLE ANGLE QUOTATION MARK", "\""),
    ('\u{bb}', "RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK", "\""),
    ('\u{ff1d}', "FULLWIDTH EQUALS SIGN", "="),
    ('\u{ff0c}', "FULLWIDTH COMMA", ","),
    ('\u{ff0e}', "FULLWIDTH FULL STOP", "."),
    ('\u{430}', "CYRILLIC SMALL LETTER A", "a"),
    ('\u{435}', "CYRILLIC SMALL LETTER IE", "e"),
    ('\u{43e}', "CYRILLIC SMALL LETTER O", "o"),
    ('\u{440}', "CYRILLIC SMALL LETTER ER", "p"),
    ('\u{441}', "CYRILLIC SMALL LETTER ES", "c"),
    ('\u{445}', "CYRILLIC SMALL LETTER HA", "x"),
    ('\u{456}', "CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I", "i"),
];

/// Whether nothing is seen of `c`, but for a blank.
pub fn is_unseen(c: char) -> bool {
    NAMED.iter().any(|(named, _, instead)| *named == c && instead.trim().is_empty()) || is_other_unseen(c)
}

/// Characters without a name in the list: controls, variation selectors, tags.
fn is_other_unseen(c: char) -> bool {
    c.is_control() && !['\t', '\n'].contains(&c)
        || matches!(c, '\u{2000}'..='\u{200f}' | '\u{2061}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

/// What `c` is and what to do, to follow the place where it is; `None` if it is what it looks like.
pub fn in_words(c: char) -> Option<String> {
    let code = format!("U+{:04X}", u32::from(c));
    let named = NAMED.iter().find(|(named, ..)| *named == c);
    Some(match named {
        Some((_, name, "")) => format!("{code} {name}, which cannot be seen: delete it"),
        Some((_, name, "\n")) => format!("{code} {name}, which ends no line here: end the line as others do"),
        Some((_, name, " ")) => format!("{code} {name}, which looks like a blank: write a blank"),
        Some((_, name, instead)) => format!("{code} {name}: write {instead}"),
        None if is_other_unseen(c) => format!("{code}, which cannot be seen: delete it"),
        None => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_told_with_what_to_write_instead() {
        let told = |c| in_words(c).unwrap();
        assert_eq!(told('\u{200b}'), "U+200B ZERO WIDTH SPACE, which cannot be seen: delete it");
        assert_eq!(told('\u{a0}'), "U+00A0 NO-BREAK SPACE, which looks like a blank: write a blank");
        assert_eq!(told('\u{2212}'), "U+2212 MINUS SIGN: write -");
        assert_eq!(told('\r'), "U+000D CARRIAGE RETURN, which ends no line here: end the line as others do");
        assert_eq!(told('\u{fe0f}'), "U+FE0F, which cannot be seen: delete it");
        assert_eq!(in_words('a').or(in_words(' ')).or(in_words('\t')).or(in_words('é')), None);
        assert!(is_unseen('\u{3000}') && !is_unseen('\u{201c}') && !is_unseen('-'));
    }
}
