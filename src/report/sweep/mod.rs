//! The report of a sweep, made from its folder alone; of an unfinished one it shows what is there.
//!
//! - `data`, `replica`, `names`: a sweep's folder read into plain values, and its keys by short names
//! - `words`: how it stands and what it recommends, in sentences
//! - `table`: its trials, and the best beside the base setting
//! - `figure`: the pictures
//! - `listed`: a line of it in a list
//! - `page`, `markdown`, `terminal`: these as `report.html`, as `report.md` and as text

mod data;
mod figure;
mod listed;
mod markdown;
mod names;
mod page;
mod replica;
mod table;
mod terminal;
mod words;

pub use data::SweepData;
pub use figure::draw_all;
pub use listed::ListedSweep;
pub use markdown::markdown;
pub use page::page;
pub use terminal::text;
