//! The embedding's weights, of the target and of its components, from the run folder's safetensors.

use std::{fs, path::Path};

use safetensors::{Dtype, SafeTensors};

/// A matrix, [rows, columns].
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    pub rows: usize,
    pub columns: usize,
    values: Vec<f64>,
}

impl Matrix {
    pub fn new(rows: usize, columns: usize, values: Vec<f64>) -> Matrix {
        assert_eq!(values.len(), rows * columns, "a matrix [{rows}, {columns}]");
        Matrix { rows, columns, values }
    }

    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns..][..self.columns]
    }

    /// The largest magnitude among the finite entries, 0 if there are none.
    pub fn largest(&self) -> f64 {
        self.values.iter().map(|value| value.abs()).filter(|value| value.is_finite()).fold(0.0, f64::max)
    }

    pub fn norm(&self) -> f64 {
        self.values.iter().map(|value| value * value).sum::<f64>().sqrt()
    }

    fn add(&mut self, other: &Matrix) {
        self.values.iter_mut().zip(&other.values).for_each(|(sum, value)| *sum += value);
    }
}

/// The embedding site of all replicas.
#[derive(Clone, Debug)]
pub struct Embeddings {
    replicas: usize,
    components: usize,
    features: usize,
    hidden: usize,
    rank: usize,
    /// [replica, feature, hidden]
    target: Vec<f64>,
    /// [replica, component, feature, rank] and [replica, component, rank, hidden]; None while there are none.
    factors: Option<(Vec<f64>, Vec<f64>)>,
}

/// The embedding site of one replica; all matrices are [feature, hidden].
#[derive(Clone, Debug)]
pub struct Embedding {
    pub target: Matrix,
    /// P_c = A_c B_c, in order.
    pub components: Vec<Matrix>,
}

impl Embedding {
    /// The sum of the components, None if there are none.
    pub fn sum(&self) -> Option<Matrix> {
        let (first, others) = self.components.split_first()?;
        let mut sum = first.clone();
        others.iter().for_each(|component| sum.add(component));
        Some(sum)
    }
}

impl Embeddings {
    /// The weights of one replica, None if the files hold fewer.
    pub fn replica(&self, replica: usize) -> Option<Embedding> {
        if replica >= self.replicas {
            return None;
        }
        let (features, hidden, rank) = (self.features, self.hidden, self.rank);
        let slice = |values: &[f64], index: usize, size: usize| values[index * size..][..size].to_vec();
        let target = Matrix::new(features, hidden, slice(&self.target, replica, features * hidden));
        let component = |a: &[f64], b: &[f64], component: usize| {
            let index = replica * self.components + component;
            let a = slice(a, index, features * rank);
            let b = slice(b, index, rank * hidden);
            let entry = |i: usize, j: usize| (0..rank).map(|m| a[i * rank + m] * b[m * hidden + j]).sum();
            let entries = (0..features).flat_map(|i| (0..hidden).map(move |j| (i, j)));
            Matrix::new(features, hidden, entries.map(|(i, j)| entry(i, j)).collect())
        };
        let components = match &self.factors {
            Some((a, b)) => (0..self.components).map(|c| component(a, b, c)).collect(),
            None => Vec::new(),
        };
        Some(Embedding { target, components })
    }
}

/// Reads `embed` of the target and, if they are there, `embed.A` and `embed.B` of its components.
/// Files that are missing or of another shape are noted in `problems`.
pub fn read_embeddings(target: &Path, components: &Path, problems: &mut Vec<String>) -> Option<Embeddings> {
    let mut read = |path: &Path, keys: &[&str]| match read_tensors(path, keys) {
        Ok(tensors) => Some(tensors),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    let target = read(target, &["embed"]).and_then(|mut tensors| tensors.pop());
    let factors = read(components, &["embed.A", "embed.B"]);
    let ([replicas, features, hidden], target) = (target.as_ref()?.shape_of::<3>()?, target?.values);
    let mut embeddings = Embeddings { replicas, components: 0, features, hidden, rank: 0, target, factors: None };
    if let Some([a, b]) = factors.and_then(|tensors| <[Tensor; 2]>::try_from(tensors).ok()) {
        let (Some([_, count, _, rank]), Some(shape_b)) = (a.shape_of::<4>(), b.shape_of::<4>()) else {
            problems.push("components.safetensors: `embed.A` and `embed.B` must have four axes.".to_owned());
            return Some(embeddings);
        };
        let expected = ([replicas, count, features, rank], [replicas, count, rank, hidden]);
        if (a.shape_of::<4>(), Some(shape_b)) != (Some(expected.0), Some(expected.1)) {
            problems.push(format!(
                "components.safetensors does not fit target.safetensors: `embed` is {:?}, `embed.A` {:?}, `embed.B` \
                 {:?}.",
                [replicas, features, hidden],
                a.shape,
                b.shape
            ));
            return Some(embeddings);
        }
        (embeddings.components, embeddings.rank) = (count, rank);
        embeddings.factors = Some((a.values, b.values));
    }
    Some(embeddings)
}

struct Tensor {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Tensor {
    fn shape_of<const AXES: usize>(&self) -> Option<[usize; AXES]> {
        self.shape.as_slice().try_into().ok()
    }
}

fn read_tensors(path: &Path, keys: &[&str]) -> Result<Vec<Tensor>, String> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let bytes = fs::read(path).map_err(|error| match path.exists() {
        false => format!("{name} is missing."),
        true => format!("{name} could not be read: {error}."),
    })?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| format!("{name} could not be read: {error}."))?;
    let read = |key: &&str| {
        let view = file.tensor(key).map_err(|_| format!("{name} holds no `{key}`."))?;
        if view.dtype() != Dtype::F32 {
            return Err(format!("{name}: `{key}` is {:?} and not F32.", view.dtype()));
        }
        let (numbers, _) = view.data().as_chunks::<4>();
        let values = numbers.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect();
        Ok(Tensor { shape: view.shape().to_vec(), values })
    };
    keys.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A_0 B_0 = [1 2]^T [3 4] + [0 1]^T [5 6], A_1 B_1 = 0.
    #[test]
    fn a_component_is_the_product_of_its_factors() {
        let embeddings = Embeddings {
            replicas: 1,
            components: 2,
            features: 2,
            hidden: 2,
            rank: 2,
            target: vec![1.0, 0.0, 0.0, 1.0],
            factors: Some((vec![1.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0], vec![3.0, 4.0, 5.0, 6.0, 1.0, 1.0, 1.0, 1.0])),
        };
        let embedding = embeddings.replica(0).unwrap();
        let product = Matrix::new(2, 2, vec![3.0, 4.0, 11.0, 14.0]);
        assert_eq!(embedding.components, [product.clone(), Matrix::new(2, 2, vec![0.0; 4])]);
        assert_eq!(embedding.sum(), Some(product));
        assert!(embeddings.replica(1).is_none());
    }
}
