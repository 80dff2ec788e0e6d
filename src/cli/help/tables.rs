//! `apd help tables [NAME]`: what the tables of runs and sweeps hold, as they are declared.

use clap::Args;

use crate::{
    cli::{Ending, Failure, ending::print},
    report::table_reference,
    settings::quoted,
};

/// Columns of the text.
const WIDTH: usize = 80;

/// Tell what the tables of runs and sweeps hold: every column with its unit and its meaning
#[derive(Debug, Args)]
#[command(
    name = "tables",
    after_help = "\
Examples:
  apd help tables summary
  apd help tables --markdown > docs/tables.md"
)]
pub struct TablesHelp {
    /// A table whose columns to tell, such as summary; otherwise all tables are listed
    name: Option<String>,

    /// Print the columns of all tables as a page in Markdown
    #[arg(long, conflicts_with = "name")]
    markdown: bool,
}

impl TablesHelp {
    pub fn run(&self) -> Result<Ending, Failure> {
        let text = match &self.name {
            Some(name) => table_reference::describe(name, WIDTH).map_err(|near| unknown(name, near))? + "\n",
            None if self.markdown => table_reference::page(),
            None => table_reference::list(WIDTH),
        };
        print(&text)?;
        Ok(Ending::Done)
    }
}

fn unknown(name: &str, near: Option<&str>) -> Failure {
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`apd help tables` lists all there are".into(),
    };
    Failure::Use(format!("there is no table {}\n  help: {help}", quoted(name, '`')))
}
