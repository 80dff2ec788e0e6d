//! Short names of the keys that are varied.

/// Shorter names say too little by themselves, such as `k`.
const SHORTEST: usize = 3;

/// Of each key as much of its end as tells it from the others: `simplicity` for `method.apd.coefficients.simplicity`.
pub fn short_names(keys: &[&str]) -> Vec<String> {
    let parts: Vec<Vec<&str>> = keys.iter().map(|key| key.split('.').collect()).collect();
    let end = |parts: &[&str], length: usize| parts[parts.len().saturating_sub(length)..].join(".");
    let short = |(place, own): (usize, &Vec<&str>)| {
        let is_clear = |length: &usize| {
            let others = parts.iter().enumerate().filter(|(other, _)| *other != place);
            let name = end(own, *length);
            name.len() >= SHORTEST && others.map(|(_, other)| end(other, *length)).all(|other| other != name)
        };
        end(own, (1..own.len()).find(is_clear).unwrap_or(own.len()))
    };
    parts.iter().enumerate().map(short).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_by_as_much_of_their_ends_as_tells_them_apart() {
        let keys = ["method.apd.rank", "decomposition.learning_rate", "target.training.learning_rate"];
        assert_eq!(short_names(&keys), ["rank", "decomposition.learning_rate", "training.learning_rate"]);
        assert_eq!(short_names(&["method.apd.selection.batch_top_k.k"]), ["batch_top_k.k"]);
        assert_eq!(short_names(&["a.b", "x.a.b"]), ["a.b", "x.a.b"]);
        assert!(short_names(&[]).is_empty());
    }
}
