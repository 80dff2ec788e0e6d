//! The benchmark's figure of how time and memory grow.

use crate::scaling::{THEORY, scaling};

const HEADER: &str = "varied,components,rank,width,layers,batch,replicas,milliseconds,milliseconds_of_products,\
                      milliseconds_of_bytes,peak_memory,initial_memory,expected_memory,other";

#[test]
fn every_varied_size_has_its_panels_and_its_line_of_theory() {
    let table = format!(
        "{HEADER}\nrank,9,2,8,1,64,1,3,1,1,500,300,100,\nrank,9,4,8,1,64,1,5,2,2,600,300,200,\nbatch,9,4,8,1,128,1,6,2,2,600,300,200,\n"
    );
    let picture = scaling(&table).unwrap();
    assert!(picture.starts_with("<svg "));
    for (size, words) in THEORY {
        let is_there = size == "rank" || size == "batch";
        assert_eq!(picture.contains(words), is_there, "{size}");
    }
    assert_eq!(picture.matches("ms a step").count(), 2);
    assert_eq!(scaling(&table), Ok(picture), "the same data give the same bytes");
}

#[test]
fn a_table_without_use_is_refused() {
    assert_eq!(scaling(HEADER), Err("it holds no rows".into()));
    let table = format!("{HEADER}\ncolour,9,2,8,1,64,1,3,1,1,500,300,100,\n");
    assert_eq!(scaling(&table), Err("`varied` is `colour`, which is no size of an experiment".into()));
    assert!(scaling("varied\nrank\n").unwrap_err().contains("missing field `components`"));
}
