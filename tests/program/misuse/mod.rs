//! Files that are changed, hostile or links to elsewhere, and results that say less than they seem to.

mod changed_files;
mod hostile_input;
mod links;
mod warnings;
