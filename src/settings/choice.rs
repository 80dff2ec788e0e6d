//! Closed sets in a spec: words (`schedule = "cosine"`) and named tables (`[target.tms]`), of which exactly one is chosen.
//!
//! A `--set` below another variant than the file's replaces the file's: the variant that was written last is chosen,
//! and only two written by the same source, such as the file, are a mistake.

use super::{
    nearest::nearest,
    problem::Problem,
    reader::TableReader,
    reference::{Member, Takes, Unless},
    tree::{Node, Value},
};

/// One member of a closed set, by the name that it has in a spec.
pub enum Variant<T: 'static> {
    /// `key = "name"`.
    Word(&'static str, T),
    /// `[key.name]`.
    Table(&'static str, fn(&mut TableReader) -> T),
}

/// A closed set, of which a spec names one.
pub trait Choice: Clone + PartialEq + 'static {
    const VARIANTS: &'static [Variant<Self>];
}

/// A variant that is a table: its name and how it is read.
type Named<T> = (&'static str, fn(&mut TableReader) -> T);

impl<T> Variant<T> {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Variant::Word(name, _) | Variant::Table(name, _) => name,
        }
    }

    fn table(&self) -> Option<Named<T>> {
        if let Variant::Table(name, read) = self { Some((name, *read)) } else { None }
    }
}

/// The members of `T` as a spec writes them.
fn names<T: Choice>() -> String {
    let name = |variant: &Variant<T>| match variant {
        Variant::Word(name, _) => format!("{name:?}"),
        Variant::Table(name, _) => format!("{{ {name} = {{ .. }} }}"),
    };
    T::VARIANTS.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// A choice about to be read.
pub struct ChoiceReader<'r, 'a> {
    table: &'r mut TableReader<'a>,
    key: &'static str,
}

impl<'a> TableReader<'a> {
    /// The member of a closed set that `key` names: a word or the table `[key.variant]`.
    pub fn choice(&mut self, key: &'static str) -> ChoiceReader<'_, 'a> {
        ChoiceReader { table: self, key }
    }

    /// The one table here that names a variant of `T`, among the other keys of this table. There is no default.
    pub fn variant<T: Choice>(&mut self) -> T {
        let tables: Vec<Named<T>> = T::VARIANTS.iter().filter_map(Variant::table).collect();
        self.know(tables.iter().map(|variant| variant.0));
        if self.describes() {
            return self.describe_variants(&tables);
        }
        let find = |key: &str| tables.iter().copied().find(|variant| variant.0 == key);
        let written: Vec<_> = self.entries().filter_map(|(key, node)| Some((find(key)?, node))).collect();
        let last = written.iter().map(|(_, node)| node.touched).max();
        let mut chosen: Vec<_> = written.into_iter().filter(|(_, node)| Some(node.touched) == last).collect();
        chosen.sort_by_key(|(_, node)| &node.origin);
        match chosen[..] {
            [] => {
                let names: Vec<_> = tables.iter().map(|variant| variant.0).collect();
                let (first, read) = tables[0];
                self.miss_variant(first, &names, read);
                self.stand_in(read)
            }
            [((name, read), _)] => self.chosen_table(name, read),
            [((first, read), _), ((second, _), node), ..] => {
                let names: Vec<_> = tables.iter().map(|variant| format!("`{}`", variant.0)).collect();
                let title = format!("only one of {} can be chosen", names.join(", "));
                let label = format!("but there is `{first}` already");
                self.report(second, Problem::new(title).at(node.origin.clone()).labelled(label));
                self.chosen_table(first, read)
            }
        }
    }

    /// Reads every one of these tables, and goes on as if the first were chosen.
    fn describe_variants<T>(&mut self, tables: &[Named<T>]) -> T {
        let paths: Vec<String> = tables.iter().map(|(name, _)| self.dotted(name)).collect();
        let mut read = |(name, read): &Named<T>| {
            self.describe(name, || Takes::OneTableOf(paths.clone()));
            self.chosen_table(name, read)
        };
        let values: Vec<T> = tables.iter().map(&mut read).collect();
        values.into_iter().next().expect("a choice has a variant")
    }
}

impl ChoiceReader<'_, '_> {
    /// `default` if the spec does not give it.
    pub fn or<T: Choice>(mut self, default: T) -> T {
        if self.table.describes() {
            self.describe(&default);
        }
        let Some(node) = self.table.value(self.key) else { return default };
        let is_variant = |text: &&str| T::VARIANTS.iter().any(|variant| variant.name() == *text);
        let name = match &node.value {
            Value::String(name) => name,
            _ if node.bare.as_deref().as_ref().is_some_and(is_variant) => node.text().expect("it is bare"),
            Value::Table(_) if T::VARIANTS.iter().any(|variant| variant.table().is_some()) => {
                return self.table.chosen_table(self.key, TableReader::variant);
            }
            _ => {
                let title = format!("`{}` must be one of {}", self.key, names::<T>());
                self.table.refuse(self.key, node, title);
                return default;
            }
        };
        match T::VARIANTS.iter().find(|variant| variant.name() == name) {
            Some(Variant::Word(_, value)) => value.clone(),
            Some(Variant::Table(..)) => {
                self.refuse::<T>(node, format!("this one is a table: {{ {name} = {{ .. }} }}"));
                default
            }
            None => {
                let meant = nearest(name, T::VARIANTS.iter().map(Variant::name));
                let label = meant.map(|meant| format!("did you mean {meant:?}?")).unwrap_or_default();
                self.refuse::<T>(node, label);
                default
            }
        }
    }

    fn describe<T: Choice>(&mut self, default: &T) {
        let member = |variant: &Variant<T>| {
            let (name, is_table) = (variant.name(), matches!(variant, Variant::Table(..)));
            Member { name, is_table, about: String::new() }
        };
        let is_default = |variant: &&Variant<T>| matches!(variant, Variant::Word(_, value) if value == default);
        let default = T::VARIANTS.iter().find(is_default);
        let unless = default.map_or(Unless::Unset, |word| Unless::Default(format!("{:?}", word.name())));
        self.table.describe(self.key, || Takes::Member(T::VARIANTS.iter().map(member).collect(), unless));
        for (name, read) in T::VARIANTS.iter().filter_map(Variant::table) {
            self.table.read_child(&format!("{}.{name}", self.key), None, None, read);
        }
    }

    fn refuse<T: Choice>(self, node: &Node, label: String) {
        let title = format!("`{}` must be one of {}", self.key, names::<T>());
        self.table.report(self.key, Problem::new(title).at(node.origin.clone()).labelled(label));
    }
}

#[cfg(test)]
mod tests {
    use snapbox::{IntoData, assert_data_eq, str};

    use super::{
        super::{SpecError, overrides, source::Sources, tree},
        *,
    };

    #[derive(Clone, Debug, PartialEq)]
    enum Animal {
        Cat { lives: u64 },
        Fish,
    }

    impl Choice for Animal {
        const VARIANTS: &'static [Variant<Self>] = &[
            Variant::Table("cat", |table| Self::Cat { lives: table.number("lives").at_least(1).such_as(9) }),
            Variant::Table("fish", |_| Self::Fish),
        ];
    }

    /// The animal in `[pet.*]`, or the text of the mistakes.
    fn pet(file: &str, overrides: &[&str]) -> Result<Animal, String> {
        let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
        let sources = Sources::new("pet.toml".to_string(), file, &overrides);
        let mut root = tree::parse(&sources).unwrap();
        assert!(overrides::apply(&sources, &mut root).is_empty());
        TableReader::read_all(&root, |table| table.table("pet", TableReader::variant))
            .map_err(|problems| SpecError::Mistakes { sources, problems }.to_string())
    }

    #[test]
    fn the_table_names_the_variant() {
        assert_eq!(pet("[pet.cat]\nlives = 7", &[]), Ok(Animal::Cat { lives: 7 }));
        assert_eq!(pet("[pet.fish]", &[]), Ok(Animal::Fish));
    }

    #[test]
    fn a_set_below_another_variant_replaces_it_and_the_last_set_counts() {
        let file = "[pet.cat]\nlives = 0\ncolour = 3";
        assert_eq!(pet(file, &["pet.fish={}"]), Ok(Animal::Fish));
        assert_eq!(pet("[pet.fish]", &["pet.cat.lives=3"]), Ok(Animal::Cat { lives: 3 }));
        assert_eq!(pet("[pet.cat]", &["pet.fish={}", "pet.cat.lives=3"]), Ok(Animal::Cat { lives: 3 }));
    }

    #[test]
    fn two_variants_in_one_file_are_a_mistake() {
        assert_data_eq!(
            pet("[pet.fish]\n[pet.cat]\nlives = 3", &[]).unwrap_err(),
            str![[r#"
error: only one of `cat`, `fish` can be chosen
 --> pet.toml:2:1
  |
2 | [pet.cat]
  | ^^^^^^^^^ but there is `fish` already

error: 1 mistake in pet.toml

"#]]
            .into_data()
            .raw()
        );
    }

    #[test]
    fn a_missing_choice_is_shown_with_all_that_could_be_chosen() {
        assert_data_eq!(
            pet("[pet]", &[]).unwrap_err(),
            str![[r#"
error: `[pet]` lacks `cat.lives`
 --> pet.toml:1:1
  |
1 | [pet]
  | ^^^^^
  |
  = help: add, for example:
          # one of [pet.cat], [pet.fish]
          [pet.cat]
          lives = 9

error: 1 mistake in pet.toml

"#]]
            .into_data()
            .raw()
        );
    }
}
