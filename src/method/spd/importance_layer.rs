//! The affine layers of causal-importance functions.

use tch::{Kind, Tensor};

/// One affine layer, of each subcomponent or shared by all of them; which, the number of axes tells.
#[derive(Debug)]
pub struct Layer {
    /// [replica, subcomponent, in, out], or shared [replica, in, out].
    pub weight: Tensor,
    /// [replica, subcomponent, out], or shared [replica, out].
    pub bias: Tensor,
}

impl Layer {
    pub(super) fn is_shared(&self) -> bool {
        self.weight.dim() == 3
    }

    /// x W + b, [replica, sample, out] of a shared layer and [replica, subcomponent, sample, out] otherwise.
    pub(super) fn forward(&self, input: &Tensor) -> Tensor {
        let products = Products::of(self, input);
        let bias = products.gather(&self.bias.unsqueeze(-2));
        products.scatter(&bias.baddbmm(&products.gather_input(input), &products.gather(&self.weight), 1, 1))
    }

    /// Adds the derivatives of weight and bias to `gradient`; returns that of the input if it is wanted.
    pub(super) fn backward(
        &self,
        input: &Tensor,
        output_gradient: &Tensor,
        gradient: &mut Layer,
        wanted: bool,
    ) -> Option<Tensor> {
        let products = Products::of(self, input);
        let output_gradient = products.gather(output_gradient);
        let weight = products.gather_input(input).mt().bmm(&output_gradient);
        let _ = gradient.weight.g_add_(&products.scatter(&weight));
        let bias = output_gradient.sum_dim_intlist([1].as_slice(), true, None::<Kind>);
        let _ = gradient.bias.g_add_(&products.scatter(&bias).squeeze_dim(-2));
        wanted.then(|| products.scatter_input(&output_gradient.bmm(&products.gather(&self.weight).mt())))
    }
}

/// How a layer and its input are one batch of matrix products: what a layer holds is gathered in three axes for them, and
/// scattered again after them.
enum Products {
    /// A shared layer: one for each replica.
    OfReplicas,
    /// One for each subcomponent of each replica; of so many subcomponents.
    OfSubcomponents(i64),
    /// One for each replica with the matrices of so many subcomponents side by side, all of which read the same.
    SideBySide(i64),
}

impl Products {
    fn of(layer: &Layer, input: &Tensor) -> Self {
        let [_, components, _, _] = layer.weight.size()[..] else { return Self::OfReplicas };
        if input.dim() == 4 { Self::OfSubcomponents(components) } else { Self::SideBySide(components) }
    }

    fn gather(&self, tensor: &Tensor) -> Tensor {
        match self {
            Self::OfReplicas => tensor.shallow_clone(),
            Self::OfSubcomponents(_) => tensor.flatten(0, 1),
            Self::SideBySide(_) => tensor.permute([0, 2, 1, 3]).flatten(2, 3),
        }
    }

    fn scatter(&self, tensor: &Tensor) -> Tensor {
        match *self {
            Self::OfReplicas => tensor.shallow_clone(),
            Self::OfSubcomponents(components) => tensor.unflatten(0, [-1, components]),
            Self::SideBySide(components) => tensor.unflatten(2, [components, -1]).permute([0, 2, 1, 3]),
        }
    }

    fn gather_input(&self, input: &Tensor) -> Tensor {
        if let Self::SideBySide(_) = self { input.shallow_clone() } else { self.gather(input) }
    }

    fn scatter_input(&self, input: &Tensor) -> Tensor {
        if let Self::SideBySide(_) = self { input.shallow_clone() } else { self.scatter(input) }
    }
}
