//! The values of a graph while it is run, each for as long as an operation still takes it.

use super::{Graph, Value};

/// What a way of running makes of a graph's values: a value is dropped when the last operation that takes it has.
pub struct Live<T> {
    values: Vec<Option<T>>,
    /// How often each value is still taken.
    uses: Vec<usize>,
}

impl<T: Clone> Live<T> {
    /// Begins with what stands for the graph's input.
    pub fn new(graph: &Graph, input: T) -> Self {
        let mut uses = vec![0; graph.values()];
        uses[graph.output().index()] = 1;
        for (_, operation) in graph.operations() {
            operation.form().inputs(|Value(index)| uses[index] += 1);
        }
        Self { values: vec![Some(input)], uses }
    }

    /// What the next operation has made.
    pub fn push(&mut self, value: T) {
        self.values.push(Some(value));
    }

    /// A value for one of its uses.
    pub fn take(&mut self, Value(index): Value) -> T {
        self.uses[index] -= 1;
        let value = if self.uses[index] == 0 { self.values[index].take() } else { self.values[index].clone() };
        value.expect("a value is made before it is used, and used as often as the graph says")
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::graph::Activation;

    #[test]
    fn a_value_is_dropped_after_its_last_use() {
        let graph = Graph::build(|graph, input| {
            let active = graph.activate(Activation::Relu, input);
            graph.add(input, active)
        });
        let input = Rc::new(());
        let mut live = Live::new(&graph, input.clone());
        drop(live.take(Value(0)));
        assert_eq!(Rc::strong_count(&input), 2, "it is used once more");
        live.push(Rc::new(()));
        drop(live.take(Value(0)));
        assert_eq!(Rc::strong_count(&input), 1);
    }
}
