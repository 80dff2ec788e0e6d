//! How many subcomponents there are at each site.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    settings::{LARGEST_SIZE, Limits, TableReader, grouped, quoted},
    site::{PerSite, Site},
};

/// The number of subcomponents at each site. In a spec it is a number, or a table in its place.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subcomponents {
    /// Number of subcomponents at each site for every feature of the target, rounded up.
    PerFeature(f64),
    /// Number of subcomponents at each site, by the name of the site.
    At(BTreeMap<String, usize>),
    /// The same number at every site.
    #[serde(untagged)]
    Number(usize),
}

impl From<usize> for Subcomponents {
    fn from(number: usize) -> Self {
        Self::Number(number)
    }
}

impl Subcomponents {
    /// The table in the place of a number, for `or_table`: `subcomponents:
    /// table.size("subcomponents").or_table(Subcomponents::read).such_as(20)`.
    pub fn read(table: &mut TableReader, limits: Limits<usize>) -> Self {
        let per_feature = table.number("per_feature").above(0.0).at_most(LARGEST_SIZE as f64).optional();
        let at = table.number_within("at", limits).by_name("site");
        table.check(
            &["at", "per_feature"],
            at.is_none() || per_feature.is_none(),
            "only one of `per_feature`, `at` can be chosen",
            "but there is `per_feature` already",
        );
        match (per_feature, at) {
            (Some(number), _) => Self::PerFeature(number),
            (None, Some(numbers)) => Self::At(numbers),
            (None, None) => {
                table.miss("per_feature", "4");
                Self::Number(1)
            }
        }
    }

    /// Tells `table`, the whole spec's, if these settings at the dotted `key` do not suit a target of these sites and features.
    pub fn check(&self, key: &str, sites: &PerSite<Site>, features: usize, table: &mut TableReader) {
        let names: Vec<&str> = sites.iter().map(|site| site.name.as_str()).collect();
        let (key, of_key) = match self {
            Self::Number(_) => return,
            Self::PerFeature(_) => (format!("{key}.per_feature"), "per_feature"),
            Self::At(_) => (format!("{key}.at"), "at"),
        };
        if let Self::At(numbers) = self {
            let unknown = numbers.keys().find(|name| !names.contains(&name.as_str()));
            let unknown = unknown.map(|name| format!("{} is none of its sites", quoted(name, '`')));
            let missing = names.iter().find(|name| !numbers.contains_key(**name));
            let missing = missing.map(|name| format!("`{name}` is not there"));
            let wrong = unknown.or(missing);
            let title = format!("`{of_key}` must name every site of the target: {}", names.join(", "));
            table.check(&[&key], wrong.is_none(), &title, wrong.clone().unwrap_or_default());
        }
        let most = sites.iter().map(|site| self.at(site, features)).max().unwrap_or_default();
        let title = format!("a site can have at most {} subcomponents", grouped(LARGEST_SIZE));
        table.check(&[&key], most <= LARGEST_SIZE, &title, format!("{features} features make it {}", grouped(most)));
    }

    /// The number of subcomponents at `site` of a target with so many features; 0 at a site that a table leaves out, which
    /// [`Subcomponents::check`] refuses.
    pub fn at(&self, site: &Site, features: usize) -> usize {
        match self {
            Self::Number(number) => *number,
            Self::PerFeature(number) => ((number * features as f64).ceil() as usize).max(1),
            Self::At(numbers) => numbers.get(&site.name).copied().unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use snapbox::{IntoData, assert_data_eq, str};

    use super::*;
    use crate::settings::{Sources, SpecError, reference, tree};

    /// What reads the sizes of a test.
    #[derive(Debug, PartialEq, Serialize, JsonSchema)]
    struct Method {
        /// Number of subcomponents at each site.
        subcomponents: Subcomponents,
    }

    fn sites() -> PerSite<Site> {
        [Site::new("embed", 5, 2), Site::new("hidden.0", 2, 2)].into_iter().collect()
    }

    /// The sizes for a target of five features, or the text of the mistakes.
    fn read(table: &mut TableReader) -> Method {
        let subcomponents = table.size("subcomponents").or_table(Subcomponents::read).such_as(20);
        subcomponents.check("subcomponents", &sites(), 5, table);
        Method { subcomponents }
    }

    fn method(text: &str) -> Result<Method, String> {
        let sources = Sources::new("sizes.toml".to_string(), text, &[]);
        let root = tree::parse(&sources).unwrap();
        TableReader::read_all(&root, read).map_err(|problems| SpecError::Mistakes { sources, problems }.to_string())
    }

    #[test]
    fn a_number_a_multiple_of_the_features_and_a_table_by_site_give_sizes_and_are_written_as_they_are_read() {
        for (text, expected, written) in [
            ("subcomponents = 20", [20, 20], "subcomponents = 20\n"),
            ("subcomponents = { per_feature = 4 }", [20, 20], "[subcomponents]\nper_feature = 4.0\n"),
            ("subcomponents = { per_feature = 0.5 }", [3, 3], "[subcomponents]\nper_feature = 0.5\n"),
            ("subcomponents = { per_feature = 1e-9 }", [1, 1], "[subcomponents]\nper_feature = 0.000000001\n"),
            (
                "[subcomponents.at]\nembed = 20\nhidden.0 = 30",
                [20, 30],
                "[subcomponents.at]\nembed = 20\n\"hidden.0\" = 30\n",
            ),
        ] {
            let read = method(text).unwrap_or_else(|error| panic!("{error}"));
            let sizes: Vec<usize> = sites().iter().map(|site| read.subcomponents.at(site, 5)).collect();
            assert_eq!(sizes, expected, "{text}");
            assert_eq!(toml::to_string(&read).unwrap(), written);
            assert_eq!(method(written), Ok(read));
        }
    }

    #[test]
    fn mistakes_are_told_where_they_stand() {
        let mistakes = |text: &str| method(text).unwrap_err();
        assert_data_eq!(
            mistakes("subcomponents = 0"),
            str![[r#"
error: `subcomponents` must be an integer from 1 to 100_000, or a table
 --> sizes.toml:1:17
  |
1 | subcomponents = 0
  |                 ^ this is 0

error: 1 mistake in sizes.toml

"#]]
            .into_data()
            .raw()
        );
        assert_data_eq!(
            mistakes("subcomponents = {}"),
            str![[r#"
error: `[subcomponents]` lacks `per_feature`
 --> sizes.toml:1:17
  |
1 | subcomponents = {}
  |                 ^^
  |
  = help: add, for example:
          per_feature = 4

error: 1 mistake in sizes.toml

"#]]
            .into_data()
            .raw()
        );
        assert_data_eq!(
            mistakes("subcomponents = { per_featur = 4 }"),
            str![[r#"
error: unknown key `per_featur` in `[subcomponents]`
 --> sizes.toml:1:19
  |
1 | subcomponents = { per_featur = 4 }
  |                   ^^^^^^^^^^ did you mean `per_feature`?
  |
  = help: allowed here: per_feature, at

error: 1 mistake in sizes.toml

"#]]
            .into_data()
            .raw()
        );
        assert_data_eq!(
            mistakes("subcomponents = { per_feature = 4, at = { embed = 2 } }"),
            str![[r#"
error: only one of `per_feature`, `at` can be chosen
 --> sizes.toml:1:41
  |
1 | subcomponents = { per_feature = 4, at = { embed = 2 } }
  |                                         ^^^^^^^^^^^^^ but there is `per_feature` already

error: 1 mistake in sizes.toml

"#]]
            .into_data()
            .raw()
        );
        assert_data_eq!(
            mistakes("subcomponents = { per_feature = 1e5 }"),
            str![[r#"
error: a site can have at most 100_000 subcomponents
 --> sizes.toml:1:33
  |
1 | subcomponents = { per_feature = 1e5 }
  |                                 ^^^ 5 features make it 500_000

error: 1 mistake in sizes.toml

"#]]
            .into_data()
            .raw()
        );
        assert_data_eq!(
            mistakes("[subcomponents.at]\nembed = 0\nhidden.0 = 1.5"),
            str![[r#"
error: `embed` must be an integer from 1 to 100_000
 --> sizes.toml:2:9
  |
2 | embed = 0
  |         ^ this is 0

error: `hidden.0` must be an integer from 1 to 100_000
 --> sizes.toml:3:12
  |
3 | hidden.0 = 1.5
  |            ^^^ this is 1.5

error: 2 mistakes in sizes.toml

"#]]
            .into_data()
            .raw()
        );
        assert_data_eq!(
            mistakes("[subcomponents.at]\nembed = 3\nunembed = 1"),
            str![[r#"
error: `at` must name every site of the target: embed, hidden.0
 --> sizes.toml:1:1
  |
1 | [subcomponents.at]
  | ^^^^^^^^^^^^^^^^^^ `unembed` is none of its sites

error: 1 mistake in sizes.toml

"#]]
            .into_data()
            .raw()
        );
        assert_data_eq!(
            mistakes("[subcomponents.at]\nembed = 3"),
            str![[r#"
error: `at` must name every site of the target: embed, hidden.0
 --> sizes.toml:1:1
  |
1 | [subcomponents.at]
  | ^^^^^^^^^^^^^^^^^^ `hidden.0` is not there

error: 1 mistake in sizes.toml

"#]]
            .into_data()
            .raw()
        );
        assert_data_eq!(
            mistakes("subcomponents = { at = 3 }"),
            str![[r#"
error: `at` must be a table with an integer from 1 to 100_000 for each site
 --> sizes.toml:1:24
  |
1 | subcomponents = { at = 3 }
  |                        ^ this is 3

error: 1 mistake in sizes.toml

"#]]
            .into_data()
            .raw()
        );
    }

    #[test]
    fn help_tells_of_every_form() {
        let entries = reference::<Method, _>(read);
        let told: Vec<(&str, &str)> = entries.iter().map(|entry| (entry.path.as_str(), entry.about.as_str())).collect();
        let expected = [
            ("subcomponents", "Number of subcomponents at each site."),
            (
                "subcomponents.per_feature",
                "Number of subcomponents at each site for every feature of the target, rounded up.",
            ),
            ("subcomponents.at", "Number of subcomponents at each site, by the name of the site."),
        ];
        assert_eq!(told, expected);
    }
}
