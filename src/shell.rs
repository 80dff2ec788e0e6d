//! Commands that a user can copy: their words, quoted so that a shell reads each back byte for byte.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Component, Path},
};

use crate::visible::visible;

/// `word` as one word of a command. Control characters and bytes that are no UTF-8, which a terminal would not show, stand in
/// the escapes of `$'...'`, as bash, zsh and POSIX shells since 2024 read them.
pub fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref();
    match word.to_str() {
        Some(text) if is_plain(text) => text.to_owned(),
        Some(text) if visible(text) == text => format!("'{}'", text.replace('\'', r"'\''")),
        _ => escaped(word.as_bytes()),
    }
}

/// `path` as one word of a command that takes a path. One that begins with a dash, as options do, is led in by `./`.
pub fn quoted_path(path: &Path) -> String {
    let begins_with_a_dash = path.as_os_str().as_bytes().starts_with(b"-");
    if begins_with_a_dash { quoted(Path::new(&Component::CurDir).join(path)) } else { quoted(path) }
}

/// Whether every shell reads `text` as it stands. At the beginning of a word zsh replaces `=`, and shells replace `~`.
fn is_plain(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/=:,+@%".contains(c);
    !text.is_empty() && !text.starts_with('=') && text.chars().all(is_plain)
}

fn escaped(bytes: &[u8]) -> String {
    let in_hexadecimal = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let mut inside = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' | '\\' => inside.extend(['\\', c]),
                '\n' => inside.push_str("\\n"),
                '\t' => inside.push_str("\\t"),
                c if visible(c.encode_utf8(&mut [0; 4])) == c.to_string() => inside.push(c),
                c => inside.push_str(&in_hexadecimal(c.encode_utf8(&mut [0; 4]).as_bytes())),
            }
        }
        inside.push_str(&in_hexadecimal(chunk.invalid()));
    }
    format!("$'{inside}'")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const WORDS: [&[u8]; 14] = [
        b"runs/tms_5-2-0a1b2c3d",
        b"",
        b"my spec.toml",
        b"it's $HOME; `ls` \"x\" \\ *?[a]{b,c}!#&|<>()",
        b"~/x",
        b"--results=~/x",
        b"=ls",
        b"-x",
        b"seeds=[1, 2]",
        "ü–é".as_bytes(),
        b"two\nlines\tand\x1b[31m red\x07",
        b"\xff'\\\xc3",
        b"\x011a",
        "\u{202e}turned".as_bytes(),
    ];

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        let words = WORDS.map(|word| quoted(OsStr::from_bytes(word)));
        assert!(words.iter().all(|word| visible(word) == *word), "{words:?}");
        let script = format!(r"LC_ALL=C printf '%s\0' {}", words.join(" "));
        let output = Command::new("bash").args(["-c", &script]).output().expect("bash, which the scripts need too");
        let read: Vec<&[u8]> = output.stdout.strip_suffix(b"\0").unwrap().split(|byte| *byte == 0).collect();
        assert_eq!(read, WORDS);
    }

    #[test]
    fn plain_words_stay_as_they_are_and_others_are_easy_to_read() {
        let words = WORDS.map(|word| quoted(OsStr::from_bytes(word)));
        assert_eq!(words[..3], ["runs/tms_5-2-0a1b2c3d", "''", "'my spec.toml'"]);
        assert_eq!(words[10..12], [r"$'two\nlines\tand\x1b[31m red\x07'", r"$'\xff\'\\\xc3'"]);
    }

    #[test]
    fn a_path_is_not_taken_for_an_option() {
        assert_eq!(quoted_path(Path::new("-runs/a b")), "'./-runs/a b'");
        assert_eq!(quoted_path(Path::new("-runs")), "./-runs");
        assert_eq!(quoted_path(Path::new("runs/-a")), "runs/-a");
    }
}
