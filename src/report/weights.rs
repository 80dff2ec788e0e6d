//! The weights of a run, of its targets and of their components, from the run folder's safetensors.

use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use super::{files, numbering::Numbering};

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

/// The two files of all replicas as they are; a matrix is read when it is asked for.
#[derive(Clone, Debug)]
pub struct Weights {
    target: Vec<u8>,
    /// None while there are none.
    components: Option<Vec<u8>>,
    /// The names of the target's tensors [replica, d_in, d_out] that components have factors of, or all such tensors
    /// while there are no components; sorted.
    pub sites: Vec<String>,
}

/// One site of one replica; all matrices are [d_in, d_out].
#[derive(Clone, Debug)]
pub struct SiteWeights {
    pub target: Matrix,
    /// P_c = A_c B_c, in order; zero for a component that does not live there.
    pub components: Vec<Matrix>,
}

impl SiteWeights {
    /// The sum of the components, None if there are none.
    pub fn sum(&self) -> Option<Matrix> {
        let (first, others) = self.components.split_first()?;
        let mut sum = first.clone();
        others.iter().for_each(|component| sum.add(component));
        Some(sum)
    }
}

impl Weights {
    /// Reads the target and, if they are there, its components. Files that are missing, damaged or do not fit each other
    /// are noted in `problems`; components that do not fit are left out.
    pub fn read(target: &Path, components: &Path, problems: &mut Vec<String>) -> Option<Weights> {
        let mut read = |path: &Path| read_whole(path).map_err(|problem| problems.push(problem)).ok();
        let (target, components) = (read(target), read(components));
        let target = target?;
        let parsed = SafeTensors::deserialize(&target).ok()?;
        let mut matrices: Vec<(String, [usize; 3])> = parsed
            .iter()
            .filter(|(_, view)| view.dtype() == Dtype::F32)
            .filter_map(|(name, view)| Some((name.to_owned(), view.shape().try_into().ok()?)))
            .collect();
        matrices.sort();
        let mut weights = Weights { target, components: None, sites: Vec::new() };
        weights.sites = matrices.iter().map(|(name, _)| name.clone()).collect();
        let Some(components) = components else { return Some(weights) };
        match sites_of(&components, &matrices) {
            Ok(sites) => (weights.components, weights.sites) = (Some(components), sites),
            Err(problem) => problems.push(problem),
        }
        Some(weights)
    }

    /// The weights at one site of one replica, None if the files do not hold them.
    pub fn site(&self, replica: usize, site: &str) -> Option<SiteWeights> {
        let target = self.matrix(replica, site)?;
        let mut components = Vec::new();
        if let Some(bytes) = &self.components {
            let (a, b) = (tensor(bytes, &format!("{site}.A"))?, tensor(bytes, &format!("{site}.B"))?);
            let [_, count, d_in, rank] = a.shape.as_slice().try_into().ok()?;
            let d_out = target.columns;
            let product = |component: usize| {
                let index = replica * count + component;
                let a = a.values(index * d_in * rank, d_in * rank);
                let b = b.values(index * rank * d_out, rank * d_out);
                let entry = |i: usize, j: usize| (0..rank).map(|m| a[i * rank + m] * b[m * d_out + j]).sum();
                let entries = (0..d_in).flat_map(|i| (0..d_out).map(move |j| (i, j)));
                Matrix::new(d_in, d_out, entries.map(|(i, j)| entry(i, j)).collect())
            };
            let numbering = Numbering::read(bytes);
            let last = |site: &String| {
                let at_site = tensor(bytes, &format!("{site}.A")).map_or(0, |a| a.shape[1]);
                numbering.first_at(site) + at_site
            };
            let (first, number) = (numbering.first_at(site), self.sites.iter().map(last).max().unwrap_or(0));
            let nothing = || Matrix::new(d_in, d_out, vec![0.0; d_in * d_out]);
            let component =
                |number: usize| number.checked_sub(first).filter(|place| *place < count).map_or_else(nothing, product);
            components.extend((0..number).map(component));
        }
        Some(SiteWeights { target, components })
    }

    /// A matrix of the target of one replica, a site's or another one's.
    pub fn matrix(&self, replica: usize, name: &str) -> Option<Matrix> {
        let tensor = tensor(&self.target, name)?;
        let [replicas, rows, columns] = tensor.shape.as_slice().try_into().ok()?;
        let size: usize = rows * columns;
        (replica < replicas).then(|| Matrix::new(rows, columns, tensor.values(replica * size, size)))
    }
}

/// The file at `path`, if it is one of safetensors.
fn read_whole(path: &Path) -> Result<Vec<u8>, String> {
    let bytes = files::tensors(path)?;
    let unreadable = |error| format!("{} could not be read: {error}.", files::file_name(path));
    SafeTensors::deserialize(&bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// The sites of which `components` holds both factors, each [replica, component, d_in, rank] and [replica, component, rank,
/// d_out] with the sizes of the target's matrix.
fn sites_of(components: &[u8], matrices: &[(String, [usize; 3])]) -> Result<Vec<String>, String> {
    let mut sites = Vec::new();
    let mut count = None;
    let may_differ = !Numbering::read(components).is_of_all_sites();
    for (site, target @ [replicas, d_in, d_out]) in matrices {
        let shapes = tensor(components, &format!("{site}.A")).zip(tensor(components, &format!("{site}.B")));
        let Some((a, b)) = shapes.map(|(a, b)| (a.shape, b.shape)) else { continue };
        let fits = match (a.as_slice(), b.as_slice()) {
            ([r, c, rows, rank], rest) => {
                [r, rows] == [replicas, d_in]
                    && rest == [*r, *c, *rank, *d_out]
                    && (*count.get_or_insert(*c) == *c || may_differ)
            }
            _ => false,
        };
        if !fits {
            return Err(format!(
                "components.safetensors does not fit target.safetensors: `{site}` is {target:?}, `{site}.A` {a:?}, \
                 `{site}.B` {b:?}."
            ));
        }
        sites.push(site.clone());
    }
    match sites.is_empty() {
        true => Err("components.safetensors holds no factors of the target's matrices.".to_owned()),
        false => Ok(sites),
    }
}

struct Tensor<'a> {
    shape: Vec<usize>,
    data: &'a [u8],
}

impl Tensor<'_> {
    fn values(&self, from: usize, count: usize) -> Vec<f64> {
        let (numbers, _) = self.data.as_chunks::<4>();
        numbers[from..][..count].iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect()
    }
}

/// The tensor of this name, if it is there and holds 32-bit floats.
fn tensor<'a>(file: &'a [u8], name: &str) -> Option<Tensor<'a>> {
    let view = SafeTensors::deserialize(file).ok()?.tensor(name).ok()?;
    (view.dtype() == Dtype::F32).then(|| Tensor { shape: view.shape().to_vec(), data: view.data() })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use safetensors::tensor::TensorView;

    use super::*;

    type Entry<'a> = (&'a str, &'a [usize], &'a [f32]);

    fn file(folder: &Path, name: &str, tensors: &[Entry]) -> std::path::PathBuf {
        let bytes: Vec<Vec<u8>> =
            tensors.iter().map(|(.., values)| values.iter().flat_map(|value| value.to_le_bytes()).collect()).collect();
        let views = tensors
            .iter()
            .zip(&bytes)
            .map(|((name, shape, _), bytes)| (*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap()));
        let path = folder.join(name);
        fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
        path
    }

    /// A_0 B_0 = [1 2]^T [3 4] + [0 1]^T [5 6], A_1 B_1 = 0.
    const A: Entry = ("embed.A", &[1, 2, 2, 2], &[1.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    const B: Entry = ("embed.B", &[1, 2, 2, 2], &[3.0, 4.0, 5.0, 6.0, 1.0, 1.0, 1.0, 1.0]);

    #[test]
    fn a_component_is_the_product_of_its_factors() {
        let folder = tempfile::tempdir().unwrap();
        let target = [("embed", &[1, 2, 2][..], &[1.0, 0.0, 0.0, 1.0][..]), ("bias", &[1, 2], &[0.0, 0.0])];
        let (target, components) = (file(folder.path(), "target", &target), file(folder.path(), "components", &[A, B]));
        let mut problems = Vec::new();
        let weights = Weights::read(&target, &components, &mut problems).unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(weights.sites, ["embed"]);
        let site = weights.site(0, "embed").unwrap();
        let product = Matrix::new(2, 2, vec![3.0, 4.0, 11.0, 14.0]);
        assert_eq!(site.target, Matrix::new(2, 2, vec![1.0, 0.0, 0.0, 1.0]));
        assert_eq!(site.components, [product.clone(), Matrix::new(2, 2, vec![0.0; 4])]);
        assert_eq!(site.sum(), Some(product));
        assert!(weights.site(1, "embed").is_none() && weights.site(0, "bias").is_none());
    }

    #[test]
    fn components_of_another_shape_are_left_out_and_noted() {
        let folder = tempfile::tempdir().unwrap();
        let target = file(folder.path(), "target", &[("embed", &[1, 3, 2], &[0.0; 6])]);
        let components = file(folder.path(), "components", &[A, B]);
        let mut problems = Vec::new();
        let weights = Weights::read(&target, &components, &mut problems).unwrap();
        assert!(problems[0].contains("does not fit target.safetensors: `embed` is [1, 3, 2]"), "{problems:?}");
        assert!(weights.site(0, "embed").unwrap().components.is_empty());
    }
}
