//! The number of active components as the key that trades them off against the error.

use toml::Value;

use super::Apd;
use crate::{
    method::{NotTraded, TradedKey, around},
    selection::Selection,
};

/// To either side of the spec's k: so far as the area of `mean_log_error` in `scores.csv` reaches to either side of the number of
/// active inputs, near which k is. With four times fewer components than mechanisms the error is hardly lowered, and with four
/// times more nothing is left to gain.
const FACTOR: f64 = 4.0;

/// k, within what is valid for batches of so many samples.
pub fn traded_key(apd: &Apd, batch: usize) -> Result<TradedKey, NotTraded> {
    let most = apd.candidates() as f64;
    match apd.selection {
        Selection::BatchTopK(rule) => {
            let values = around(rule.k, FACTOR, 1.0 / batch as f64, most);
            Ok(TradedKey { key: "selection.batch_top_k.k", values: values.into_iter().map(Value::Float).collect() })
        }
        Selection::SampleTopK { k } => {
            let mut values: Vec<i64> =
                around(k as f64, FACTOR, 1.0, most).into_iter().map(|value| value.round() as i64).collect();
            values.dedup();
            Ok(TradedKey { key: "selection.sample_top_k.k", values: values.into_iter().map(Value::Integer).collect() })
        }
        Selection::Exact {} => {
            Err(refused("selection.exact", "a trade-off varies k, and the selection `exact` has none"))
        }
        Selection::Lp { .. } => {
            Err(refused("selection.lp", "a trade-off counts active components, and the L_p form selects none"))
        }
    }
}

fn refused(key: &'static str, why: &str) -> NotTraded {
    NotTraded { key, why: why.into(), label: "choose `batch_top_k` or `sample_top_k`".into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    fn traded(selection: &str) -> Result<TradedKey, NotTraded> {
        let set = format!("method.apd.selection={{{selection}}}");
        let spec = spec::load("experiments/tms_5-2.toml".as_ref(), &[set]).unwrap_or_else(|error| panic!("{error}"));
        spec.method.traded_key(spec.decomposition.batch)
    }

    #[test]
    fn k_is_varied_around_its_own_value_up_to_the_number_of_components() {
        let floats = |numbers: &[f64]| numbers.iter().copied().map(Value::Float).collect::<Vec<_>>();
        let of_batch = |k: &str| traded(&format!("batch_top_k={{k={k}}}")).unwrap();
        assert_eq!(of_batch("0.211").key, "selection.batch_top_k.k");
        assert_eq!(of_batch("0.211").values, floats(&[0.053, 0.11, 0.211, 0.42, 0.84]));
        assert_eq!(of_batch("4").values, floats(&[1.0, 2.0, 4.0, 4.5, 5.0]), "of 5 components");
        let of_sample = traded("sample_top_k={k=1}").unwrap();
        assert_eq!(of_sample.key, "selection.sample_top_k.k");
        assert_eq!(of_sample.values, [1, 2, 4].map(Value::Integer));
    }

    #[test]
    fn where_there_is_no_k_nothing_is_traded_off() {
        assert_eq!(traded("exact={}").unwrap_err().why, "a trade-off varies k, and the selection `exact` has none");
        let lp = traded("lp={power=0.9}").unwrap_err();
        assert_eq!((lp.key, lp.why.contains("the L_p form selects none")), ("selection.lp", true));
    }
}
