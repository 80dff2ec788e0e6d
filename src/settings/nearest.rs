//! "Did you mean": the known name that a mistyped one is close to.

/// The name nearest to `typed`, if one is near enough to be meant.
pub fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    if typed.len() > LONGEST {
        return None;
    }
    let typed = typed.to_lowercase();
    let likeness = |name: &&str| strsim::jaro_winkler(&typed, &name.to_lowercase());
    let near = |name: &&str| strsim::damerau_levenshtein(&typed, &name.to_lowercase()) <= 2 || likeness(name) >= 0.85;
    names.filter(near).max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|name| likeness(name) > 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_another_word_finds_none() {
        let names = ["steps", "batch", "learning_rate", "k"];
        let find = |typed| nearest(typed, names.into_iter());
        assert_eq!(find("learning_rte"), Some("learning_rate"));
        assert_eq!(find("step"), Some("steps"));
        assert_eq!(find("bacth"), Some("batch"));
        assert_eq!(find("LEARNING_RATE"), Some("learning_rate"));
        assert_eq!(find("optimizer"), None);
        assert_eq!(find("lr"), None);
        assert_eq!(find(&"k".repeat(100)), None);
    }
}
