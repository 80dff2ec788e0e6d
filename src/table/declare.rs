//! The macro that declares a table.

/// Declares a table as the struct of its rows. From each field follow its column's name, its place, how it is written and
/// read, and what is said of it: the field's documentation is the text of the data dictionary, of `apd help tables` and of
/// the page. The first paragraph stands alone wherever room is short.
///
/// Behind a field stand `=>` and what the column holds, as the functions of [`column`](super::column) say it; behind the
/// table's file its properties, as the methods of [`Table`](super::Table). A table `per replica` begins with the replica's
/// number.
macro_rules! table {
    (
        $(#[doc = $about:literal])+
        struct $row:ident in $file:literal $(.$property:ident $arguments:tt)* per replica { $($fields:tt)+ }
    ) => {
        table! {
            $(#[doc = $about])+
            struct $row in $file $(.$property $arguments)* {
                /// Number of the replica, from 0 in the order of the spec's seeds.
                replica: usize => $crate::table::column::key(),
                $($fields)+
            }
        }
    };
    (
        $(#[doc = $about:literal])+
        struct $row:ident in $file:literal $(.$property:ident $arguments:tt)* {
            $($(#[doc = $meaning:literal])+ $name:ident: $cell:ty => $column:expr,)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $row {
            $($(#[doc = $meaning])+ pub $name: $cell,)+
        }

        impl $crate::table::Row for $row {
            const TABLE: $crate::table::Table = $crate::table::Table::new($file, concat!($($about, "\n"),+), &[
                $($column.named(stringify!($name), concat!($($meaning, "\n"),+)),)+
            ])$(.$property $arguments)*;

            fn cell(&self, column: &str) -> Option<&dyn $crate::table::Cell> {
                match column {
                    $(stringify!($name) => Some(&self.$name),)+
                    _ => None,
                }
            }
        }

        impl serde::Serialize for $row {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeStruct;
                let is_short = <Self as $crate::table::Row>::TABLE.has_short_numbers;
                let mut row = serializer.serialize_struct($file, <Self as $crate::table::Row>::TABLE.columns.len())?;
                $(match $crate::table::Cell::in_six_digits(&self.$name).filter(|_| is_short) {
                    Some(short) => row.serialize_field(stringify!($name), &short)?,
                    None => row.serialize_field(stringify!($name), &self.$name)?,
                })+
                row.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $row {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Columns;
                impl<'de> serde::de::Visitor<'de> for Columns {
                    type Value = $row;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
                        formatter.write_str(concat!("a row of ", $file))
                    }

                    fn visit_map<M: serde::de::MapAccess<'de>>(self, mut cells: M) -> Result<$row, M::Error> {
                        $(let mut $name: Option<$cell> = None;)+
                        while let Some(column) = cells.next_key::<String>()? {
                            $(if <$cell as $crate::table::Cell>::is_column(stringify!($name), &column) {
                                <$cell as $crate::table::Cell>::take(&mut $name, &mut cells)?;
                                continue;
                            })+
                            cells.next_value::<serde::de::IgnoredAny>()?;
                        }
                        Ok($row { $($name: $crate::table::cell::or_absent($name, stringify!($name))?,)+ })
                    }
                }
                deserializer.deserialize_struct($file, &[$(stringify!($name)),+], Columns)
            }
        }
    };
}
