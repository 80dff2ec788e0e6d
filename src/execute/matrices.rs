//! Matrices that samples are multiplied by, and their products with each other.

use std::collections::HashMap;

use tch::Tensor;

/// A matrix [replica, d_in, d_out] of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MatrixNode(usize);

/// Matrices and their products, each of which is computed once however often it is asked for.
#[derive(Debug, Default)]
pub struct Matrices {
    nodes: Vec<Node>,
    products: HashMap<(MatrixNode, MatrixNode), MatrixNode>,
    /// Whether none moves for the time being.
    pub held: bool,
}

#[derive(Debug)]
struct Node {
    value: Tensor,
    /// `None`: it was given.
    factors: Option<(MatrixNode, MatrixNode)>,
    /// Where its derivative is added up; `None`: nothing in it moves.
    gradient: Option<Tensor>,
}

impl Matrices {
    /// A matrix with the tensor that its derivative is added to, if it moves.
    pub fn given(&mut self, value: Tensor, gradient: Option<Tensor>) -> MatrixNode {
        self.push(Node { value, factors: None, gradient })
    }

    /// The product of two matrices.
    pub fn product(&mut self, left: MatrixNode, right: MatrixNode) -> MatrixNode {
        if let Some(&known) = self.products.get(&(left, right)) {
            return known;
        }
        let value = self.value(left).bmm(self.value(right));
        let has_gradient = |MatrixNode(index): MatrixNode| self.nodes[index].gradient.is_some();
        let gradient = (has_gradient(left) || has_gradient(right)).then(|| value.zeros_like());
        let product = self.push(Node { value, factors: Some((left, right)), gradient });
        self.products.insert((left, right), product);
        product
    }

    fn push(&mut self, node: Node) -> MatrixNode {
        self.nodes.push(node);
        MatrixNode(self.nodes.len() - 1)
    }

    pub fn value(&self, MatrixNode(index): MatrixNode) -> &Tensor {
        &self.nodes[index].value
    }

    /// Whether a derivative is wanted.
    pub fn moves(&self, MatrixNode(index): MatrixNode) -> bool {
        !self.held && self.nodes[index].gradient.is_some()
    }

    /// Adds the product of `left` and `right` to the derivative by a matrix that moves.
    pub fn add_gradient(&mut self, MatrixNode(index): MatrixNode, left: &Tensor, right: &Tensor) {
        if let Some(gradient) = self.nodes[index].gradient.as_mut().filter(|_| !self.held) {
            let _ = gradient.baddbmm_(left, right);
        }
    }

    /// Takes the derivatives by products on to their factors, once all have been added up.
    pub fn backward(&mut self) {
        while let Some(Node { factors, gradient, .. }) = self.nodes.pop() {
            let (Some((left, right)), Some(gradient)) = (factors, gradient) else { continue };
            let [left_value, right_value] = [left, right].map(|factor| self.value(factor).mt());
            self.add_gradient(left, &gradient, &right_value);
            self.add_gradient(right, &left_value, &gradient);
        }
    }
}
