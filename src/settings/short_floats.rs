//! TOML without numbers of hundreds of digits: the `toml` crate writes 1e-300 with three hundred zeros.

/// Characters of a float from which on it is written with its power of ten. Every float of ordinary size is shorter, and
/// stays as the `toml` crate writes it: the text of a spec says whose a folder is.
const LONGEST: usize = 40;

/// `toml` with every float that is too long written with its power of ten, which means the same; texts in it stay as they are.
pub fn with_short_floats(toml: &str) -> String {
    let is_of_number = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
    let mut short = String::with_capacity(toml.len());
    let mut quote = None;
    let mut rest = toml;
    while let Some(c) = rest.chars().next() {
        let length = match quote {
            None if c.is_ascii_digit() || c == '-' => rest.find(|c| !is_of_number(c)).unwrap_or(rest.len()),
            // What follows a backslash ends no text.
            Some('"') if c == '\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            _ => c.len_utf8(),
        };
        quote = match (quote, c) {
            (None, '"' | '\'') => Some(c),
            (Some(open), _) if open == c => None,
            _ => quote,
        };
        let (word, after) = rest.split_at(length);
        let float = (length > LONGEST && word.contains('.')).then(|| word.parse::<f64>().ok()).flatten();
        match float {
            Some(float) => short += &format!("{float:?}"),
            None => short += word,
        }
        rest = after;
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_floats_that_are_too_long_are_written_otherwise() {
        let digits = "0".repeat(60);
        let text = format!("name = \"a\\\"{digits}.0\"\nother = '{digits}.0'\nrate = 0.0001\nbase = 1{digits}.0\n");
        assert_eq!(with_short_floats(&text), text.replace(&format!("1{digits}.0"), "1e60"));
        assert_eq!(with_short_floats(&format!("x = [-0.{digits}5, 2, {{ y = 1.5 }}]")), "x = [-5e-61, 2, { y = 1.5 }]");
    }

    #[test]
    fn what_is_written_reads_as_the_same_numbers() {
        let numbers = [1e-300, -1.25e300, f64::MAX, f64::MIN_POSITIVE, 5e-324, 0.1, 1e30, 123456.789, 0.0];
        let table = toml::Table::from_iter([("numbers".to_owned(), toml::Value::try_from(numbers).unwrap())]);
        let short = with_short_floats(&toml::to_string(&table).unwrap());
        assert!(short.len() < 250, "{short}");
        assert_eq!(short.parse::<toml::Table>().unwrap(), table);
    }
}
