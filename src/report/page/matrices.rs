//! The weights of one replica's components and of its target, site by site, as the page draws them: those of residual
//! MLPs in the basis of the features, W_E W_in and W_out W_U; all others as they are.

use std::{collections::BTreeSet, path::Path};

use safetensors::{Dtype, SafeTensors};

use crate::{
    report::{files, numbering::Numbering, weights::Matrix},
    run::{RunDescription, TargetKind},
    site::Role,
};

/// What runs along one side of a matrix.
#[derive(Debug, PartialEq)]
pub struct Axis {
    pub name: &'static str,
    pub count: usize,
    /// Where the entries have names of their own.
    pub names: Option<Vec<String>>,
}

/// One site of one replica.
pub struct Site {
    pub title: String,
    /// Downwards.
    pub rows: Axis,
    /// From left to right.
    pub columns: Axis,
    /// None if the target cannot be read.
    pub target: Option<Matrix>,
    /// P_c is (`from` A_c) (B_c `to`), in the site's own axes.
    from: Option<Matrix>,
    to: Option<Matrix>,
    is_transposed: bool,
    /// [component, d_in, rank] and [component, rank, d_out], of those that live here.
    factors: (Block, Block),
    /// The number of the first of them.
    first: usize,
    /// Of all components.
    number: usize,
}

impl Site {
    pub fn components(&self) -> usize {
        self.number
    }

    /// P_c, [row, column].
    pub fn component(&self, component: usize) -> Matrix {
        let Some(place) = component.checked_sub(self.first).filter(|place| *place < self.factors.0.shape[0]) else {
            return Matrix::new(self.rows.count, self.columns.count, vec![0.0; self.rows.count * self.columns.count]);
        };
        let (a, b) = (self.factors.0.matrix(place), self.factors.1.matrix(place));
        let a = self.from.as_ref().map_or(a.clone(), |from| product(from, &a));
        let b = self.to.as_ref().map_or(b.clone(), |to| product(&b, to));
        turned(product(&a, &b), self.is_transposed)
    }
}

/// All sites of replica `replica`, in order; if it is not known which there are, those that have components, as they are. Of
/// what cannot be read nothing comes back; `problems` then say why.
pub fn read(
    target: &Path,
    components: &Path,
    run: &RunDescription,
    replica: usize,
    problems: &mut Vec<String>,
) -> Vec<Site> {
    let mut bytes = |path: &Path| {
        files::tensors(path).unwrap_or_else(|problem| {
            problems.push(problem);
            Vec::new()
        })
    };
    let (target_bytes, component_bytes) = (bytes(target), bytes(components));
    let Ok(components) = SafeTensors::deserialize(&component_bytes) else { return Vec::new() };
    let target = SafeTensors::deserialize(&target_bytes).ok();
    let block = |key: &str| target.as_ref().and_then(|target| Block::read(target, key, replica));
    // The sites of gated functions are told by their residual stream.
    let is_gated = matches!(run.kind(), Some(TargetKind::GatedFunctions { .. }));
    let embeddings = Embeddings { w_e: block("W_E"), w_u: block("W_U"), is_gated };
    let numbering = Numbering::read(&component_bytes);
    let site = |name: &str, role: Option<Role>| {
        let a = Block::read(&components, &format!("{name}.A"), replica)?;
        let b = Block::read(&components, &format!("{name}.B"), replica)?;
        let first = numbering.first_at(name);
        site(name, role, a, b, block(name), &embeddings).map(|site| Site { first, ..site })
    };
    let mut sites: Vec<Site> = if run.sites().is_empty() {
        let names: BTreeSet<&str> = components.names().into_iter().filter_map(|name| name.strip_suffix(".A")).collect();
        names.into_iter().filter_map(|name| site(name, None)).collect()
    } else {
        run.sites().iter().filter_map(|of| site(&of.name, Some(of.role))).collect()
    };
    let number = sites.iter().map(|site| site.first + site.factors.0.shape[0]).max().unwrap_or(0);
    sites.iter_mut().for_each(|site| site.number = number);
    sites
}

/// The embeddings of a residual MLP or of gated functions.
struct Embeddings {
    /// [feature, d_in]
    w_e: Option<Block>,
    /// [d_out, feature]
    w_u: Option<Block>,
    is_gated: bool,
}

/// None if the factors do not fit each other.
fn site(
    name: &str,
    role: Option<Role>,
    a: Block,
    b: Block,
    target: Option<Block>,
    embeddings: &Embeddings,
) -> Option<Site> {
    let ([components, d_in, rank], [other_components, other_rank, d_out]) = (a.shape3()?, b.shape3()?);
    if (components, rank) != (other_components, other_rank) {
        return None;
    }
    let target = target.filter(|target| target.shape == [d_in, d_out]).map(|target| target.matrix(0));
    let w_e = embeddings.w_e.as_ref().map(|w_e| w_e.matrix(0)).filter(|w_e| w_e.columns == d_in);
    let w_u = embeddings.w_u.as_ref().map(|w_u| w_u.matrix(0)).filter(|w_u| w_u.rows == d_out);
    let plain = |name, count| Axis { name, count, names: None };
    let mut made = Site {
        title: name.to_owned(),
        rows: plain("row", d_in),
        columns: plain("column", d_out),
        target,
        from: None,
        to: None,
        is_transposed: false,
        factors: (a, b),
        first: 0,
        number: components,
    };
    match role {
        // In the residual stream of gated functions come the inputs, x and the control bits, and then the output.
        Some(Role::MlpIn { .. } | Role::MlpOut { .. }) if embeddings.is_gated => {
            let is_out = matches!(role, Some(Role::MlpOut { .. }));
            let (stream, neurons) = if is_out { (d_out, d_in) } else { (d_in, d_out) };
            made.rows = Axis { name: "stream dimension", count: stream, names: Some(gated_names(stream)) };
            made.columns = plain("neuron", neurons);
            made.is_transposed = is_out;
        }
        Some(Role::MlpIn { .. }) if w_e.is_some() => {
            made.title = format!("W_E W_in: {name}");
            made.columns = plain("feature", w_e.as_ref().map_or(0, |w_e| w_e.rows));
            made.rows = plain("neuron", d_out);
            (made.from, made.is_transposed) = (w_e, true);
        }
        Some(Role::MlpOut { .. }) if w_u.is_some() => {
            made.title = format!("W_out W_U: {name}");
            made.columns = plain("feature", w_u.as_ref().map_or(0, |w_u| w_u.columns));
            made.rows = plain("neuron", d_in);
            made.to = w_u;
        }
        Some(Role::TiedEmbedding | Role::Embedding) => {
            made.columns = plain("feature", d_in);
            made.rows = plain("hidden dimension", d_out);
            made.is_transposed = true;
        }
        Some(Role::Unembedding) => {
            made.rows = plain("hidden dimension", d_in);
            made.columns = plain("feature", d_out);
        }
        Some(Role::Hidden { .. }) => {
            made.rows = plain("hidden dimension before", d_in);
            made.columns = plain("hidden dimension after", d_out);
        }
        Some(Role::MlpIn { .. } | Role::MlpOut { .. }) | None => {}
    }
    let in_basis = made.target.take().map(|target| {
        let target = made.from.as_ref().map_or(target.clone(), |from| product(from, &target));
        let target = made.to.as_ref().map_or(target.clone(), |to| product(&target, to));
        turned(target, made.is_transposed)
    });
    made.target = in_basis;
    Some(made)
}

fn gated_names(stream: usize) -> Vec<String> {
    let name = |dimension| match dimension {
        0 => "x".to_owned(),
        dimension if dimension + 1 == stream => "output".to_owned(),
        dimension => format!("control bit {}", dimension - 1),
    };
    (0..stream).map(name).collect()
}

/// One replica's part of a tensor with a replica axis in front.
struct Block {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Block {
    /// None if there is no such tensor, or none of this replica.
    fn read(file: &SafeTensors, key: &str, replica: usize) -> Option<Block> {
        let view = file.tensor(key).ok().filter(|view| view.dtype() == Dtype::F32)?;
        let (replicas, shape) = view.shape().split_first()?;
        let size: usize = shape.iter().product();
        if replica >= *replicas || size == 0 {
            return None;
        }
        let (numbers, _) = view.data().as_chunks::<4>();
        let values = numbers.get(replica * size..(replica + 1) * size)?;
        let values = values.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect();
        Some(Block { shape: shape.to_vec(), values })
    }

    fn shape3(&self) -> Option<[usize; 3]> {
        self.shape.as_slice().try_into().ok()
    }

    /// The matrix at `index` of those in the last two axes.
    fn matrix(&self, index: usize) -> Matrix {
        let (rows, columns) = match self.shape.as_slice() {
            [.., rows, columns] => (*rows, *columns),
            [columns] => (1, *columns),
            [] => (1, 1),
        };
        Matrix::new(rows, columns, self.values[index * rows * columns..][..rows * columns].to_vec())
    }
}

fn product(left: &Matrix, right: &Matrix) -> Matrix {
    let mut values = vec![0.0; left.rows * right.columns];
    for (row, sums) in values.chunks_mut(right.columns.max(1)).enumerate() {
        for (inner, factor) in left.row(row).iter().enumerate() {
            sums.iter_mut().zip(right.row(inner)).for_each(|(sum, value)| *sum += factor * value);
        }
    }
    Matrix::new(left.rows, right.columns, values)
}

fn turned(matrix: Matrix, is_transposed: bool) -> Matrix {
    if !is_transposed {
        return matrix;
    }
    let entries = (0..matrix.columns).flat_map(|column| (0..matrix.rows).map(move |row| (row, column)));
    let values = entries.map(|(row, column)| matrix.row(row)[column]).collect();
    Matrix::new(matrix.columns, matrix.rows, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(shape: &[usize], values: &[f64]) -> Block {
        Block { shape: shape.to_vec(), values: values.to_vec() }
    }

    /// A_0 B_0 = [1 2]^T [3 4 5], with W_E = [1 1] and W_U = [1 0 1]^T.
    fn outer_product() -> (Block, Block, Embeddings) {
        let (w_e, w_u) = (block(&[1, 2], &[1.0, 1.0]), block(&[3, 1], &[1.0, 0.0, 1.0]));
        let embeddings = Embeddings { w_e: Some(w_e), w_u: Some(w_u), is_gated: false };
        (block(&[1, 2, 1], &[1.0, 2.0]), block(&[1, 1, 3], &[3.0, 4.0, 5.0]), embeddings)
    }

    #[test]
    fn what_enters_a_residual_mlp_is_seen_from_the_features() {
        let (a, b, embeddings) = outer_product();
        let target = block(&[2, 3], &[1.0, 0.0, 2.0, 0.0, 1.0, 3.0]);
        let embeddings = Embeddings { w_u: None, ..embeddings };
        let site = site("layers.0.mlp_in", Some(Role::MlpIn { layer: 0 }), a, b, Some(target), &embeddings).unwrap();
        assert_eq!((site.rows.name, site.columns.name), ("neuron", "feature"));
        assert_eq!(site.component(0), Matrix::new(3, 1, vec![9.0, 12.0, 15.0]));
        assert_eq!(site.target, Some(Matrix::new(3, 1, vec![1.0, 1.0, 5.0])));
    }

    #[test]
    fn what_leaves_a_residual_mlp_is_seen_from_the_features() {
        let (a, b, embeddings) = outer_product();
        let embeddings = Embeddings { w_e: None, ..embeddings };
        let site = site("layers.0.mlp_out", Some(Role::MlpOut { layer: 0 }), a, b, None, &embeddings).unwrap();
        assert_eq!((site.rows.name, site.columns.name), ("neuron", "feature"));
        assert_eq!(site.component(0), Matrix::new(2, 1, vec![8.0, 16.0]));
    }

    #[test]
    fn toy_models_and_gated_functions_are_seen_as_they_are() {
        let (a, b, _) = outer_product();
        let embeddings = Embeddings { w_e: None, w_u: None, is_gated: false };
        let embed = site("embed", Some(Role::TiedEmbedding), a, b, None, &embeddings).unwrap();
        assert_eq!((embed.rows.name, embed.columns.name), ("hidden dimension", "feature"));
        assert_eq!(embed.component(0), Matrix::new(3, 2, vec![3.0, 6.0, 4.0, 8.0, 5.0, 10.0]));

        let (a, b, _) = outer_product();
        let unembed = site("unembed", Some(Role::Unembedding), a, b, None, &embeddings).unwrap();
        assert_eq!((unembed.rows.name, unembed.columns.name), ("hidden dimension", "feature"));
        assert_eq!(unembed.component(0), Matrix::new(2, 3, vec![3.0, 4.0, 5.0, 6.0, 8.0, 10.0]));

        let (a, b, _) = outer_product();
        let gated =
            Embeddings { w_e: Some(block(&[2, 3], &[0.0; 6])), w_u: Some(block(&[3, 1], &[0.0; 3])), is_gated: true };
        let out = site("layers.1.mlp_out", Some(Role::MlpOut { layer: 1 }), a, b, None, &gated).unwrap();
        assert_eq!(out.rows.names.unwrap(), ["x", "control bit 0", "output"]);
        assert_eq!((out.rows.count, out.columns.count), (3, 2));
    }

    #[test]
    fn factors_that_do_not_fit_are_left_out() {
        let (a, _, embeddings) = outer_product();
        assert!(site("embed", Some(Role::TiedEmbedding), a, block(&[1, 2, 3], &[0.0; 6]), None, &embeddings).is_none());
    }
}
