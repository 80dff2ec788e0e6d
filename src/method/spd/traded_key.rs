//! The weight of causal importances as the key that trades active subcomponents off against the error.

use toml::Value;

use super::Spd;
use crate::method::{Annealed, NotTraded, TradedKey, around};

const KEY: &str = "coefficients.importance";

/// To either side of the spec's coefficient: it is tuned by powers of ten.
const FACTOR: f64 = 10.0;

pub fn traded_key(spd: &Spd) -> Result<TradedKey, NotTraded> {
    let refused = |why: &str, label: &str| Err(NotTraded { key: KEY, why: why.into(), label: label.into() });
    match spd.coefficients.importance {
        Annealed::Constant(number) if number > 0.0 => {
            let values = around(number, FACTOR, 0.0, f64::MAX).into_iter().map(Value::Float).collect();
            Ok(TradedKey { key: KEY, values })
        }
        Annealed::Constant(_) => {
            refused("a trade-off multiplies `coefficients.importance`, so it must be above 0", "this is 0")
        }
        Annealed::Linear { .. } => refused(
            "a trade-off varies one number, and `coefficients.importance` moves over the training",
            "give it one number",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    fn traded(importance: &str) -> Result<TradedKey, NotTraded> {
        let set = format!("method.spd.coefficients.importance={importance}");
        let spec =
            spec::load("experiments/tms_5-2_spd.toml".as_ref(), &[set]).unwrap_or_else(|error| panic!("{error}"));
        spec.method.traded_key(spec.decomposition.batch)
    }

    #[test]
    fn the_coefficient_is_varied_by_a_factor_of_ten_to_either_side() {
        let expected = [0.0002, 0.00063, 0.002, 0.0063, 0.02].map(Value::Float).to_vec();
        assert_eq!(traded("0.002"), Ok(TradedKey { key: KEY, values: expected }));
    }

    #[test]
    fn a_coefficient_that_moves_or_is_zero_is_refused() {
        for (importance, label) in [("{start=0, final=1}", "give it one number"), ("0", "this is 0")] {
            let refused = traded(importance).unwrap_err();
            assert_eq!((refused.key, refused.label.as_str()), (KEY, label));
        }
    }
}
