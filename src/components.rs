//! Components: vectors in parameter space, at every site a matrix of small rank.

use std::{ops::Range, sync::Arc};

use tch::{Device, Kind, Tensor};

use crate::{
    initial_values::InitialValues,
    kernel::{Kernel, simd},
    random::{Purpose, stream},
    site::{PerSite, Site, SiteIndex},
    slices::{slice, slice_mut},
};

/// The factors of all components at one site: P_c = A_c B_c.
#[derive(Debug)]
pub struct Factors {
    /// A, [replica, d_in, component, rank]: in this order sum_c A_c B_c is one matrix product.
    pub a: Tensor,
    /// B, [replica, component, rank, d_out].
    pub b: Tensor,
}

impl Factors {
    /// sum_c A_c B_c, [replica, d_in, d_out].
    pub fn sum(&self) -> Tensor {
        self.a.flatten(2, 3).bmm(&self.b.flatten(1, 2))
    }

    /// P_c for every component, [replica, component, d_in, d_out].
    pub fn matrices(&self) -> Tensor {
        self.a.permute([0, 2, 1, 3]).matmul(&self.b)
    }

    /// |A_{c,:,m}|^2 |B_{c,m,:}|^2, [replica, component, rank]: the squared length of every rank-one part.
    pub fn squared_lengths(&self) -> Tensor {
        let (a, b) = self.squared_norms();
        a * b
    }

    /// |A_{c,:,m}|^2 and |B_{c,m,:}|^2, [replica, component, rank] each.
    pub fn squared_norms(&self) -> (Tensor, Tensor) {
        (column_products(&self.a, &self.a), row_products(&self.b, &self.b))
    }

    fn map(&self, mut function: impl FnMut(&Tensor) -> Tensor) -> Factors {
        Factors { a: function(&self.a), b: function(&self.b) }
    }
}

/// Its inverse's square is still a number.
const TINY: f64 = 1e-18;

/// Of two tensors like A [replica, d_in, component, rank], the inner products of their columns (over d_in), [replica,
/// component, rank].
fn column_products(left: &Tensor, right: &Tensor) -> Tensor {
    let [replicas, d_in, components, rank] = left.size()[..] else { panic!("A has four axes") };
    if left.device().is_cuda() || !Kernel::FactorSums.is_on() {
        return (left * right).sum_dim_intlist([1].as_slice(), false, None);
    }
    let mut products = Tensor::empty([replicas, components, rank], (left.kind(), left.device()));
    let width = (components * rank) as usize;
    let of_replica = d_in as usize * width;
    let factors = slice(left).chunks_exact(of_replica).zip(slice(right).chunks_exact(of_replica));
    for ((left, right), products) in factors.zip(slice_mut(&mut products).chunks_exact_mut(width)) {
        simd::column_dots(left, right, products);
    }
    products
}

/// Of two contiguous tensors like B [replica, component, rank, d_out], the inner products of their rows (over d_out),
/// [replica, component, rank].
pub(crate) fn row_products(left: &Tensor, right: &Tensor) -> Tensor {
    let [replicas, components, rank, d_out] = left.size()[..] else { panic!("B has four axes") };
    if left.device().is_cuda() || !Kernel::FactorSums.is_on() {
        return (left * right).sum_dim_intlist([3].as_slice(), false, None);
    }
    let mut products = Tensor::empty([replicas, components, rank], (left.kind(), left.device()));
    simd::row_dots(slice(left), slice(right), d_out as usize, slice_mut(&mut products));
    products
}

/// Divides every column of A [replica, d_in, component, rank] (over d_in) by its length; one of zeros stays.
fn normalise_columns(a: &Tensor) {
    let factors = column_products(a, a).sqrt().clamp_min(TINY).reciprocal();
    let mut a = a.shallow_clone();
    if a.device().is_cuda() || !Kernel::FactorSums.is_on() {
        let _ = a.g_mul_(&factors.unsqueeze(1));
        return;
    }
    let of_replica = a.numel() / a.size()[0] as usize;
    let width = factors.numel() / a.size()[0] as usize;
    let replicas = slice_mut(&mut a).chunks_exact_mut(of_replica).zip(slice(&factors).chunks_exact(width));
    replicas.for_each(|(a, factors)| simd::scale_columns(a, factors));
}

/// All components of all replicas.
#[derive(Debug)]
pub struct Components {
    /// At each site those of the components that live there.
    pub factors: PerSite<Factors>,
    /// `None`: all live at all sites.
    places: Option<Arc<Places>>,
}

/// Which components live at which site, by their numbers among all.
#[derive(Debug)]
struct Places {
    number: i64,
    at: PerSite<Range<i64>>,
}

impl Components {
    /// Components that live at all sites.
    pub fn everywhere(factors: PerSite<Factors>) -> Self {
        Self { factors, places: None }
    }

    /// Components each of which lives at one site, numbered in the order of the sites.
    pub fn at_one_site_each(factors: PerSite<Factors>) -> Self {
        let mut number = 0;
        let range = |factors: &Factors| {
            let first = number;
            number += factors.a.size()[2];
            first..number
        };
        let at = factors.map(range);
        Self { factors, places: Some(Arc::new(Places { number, at })) }
    }

    /// The numbers of the components that live at a site.
    pub fn numbers_at(&self, site: SiteIndex) -> Range<i64> {
        self.places.as_ref().map_or(0..self.first().size()[2], |places| places.at[site].clone())
    }

    /// Whether every component lives at all sites.
    pub fn live_everywhere(&self) -> bool {
        self.places.is_none()
    }

    /// The number of the first component at each site, as files note it where each component lives at one site: "embed 0,
    /// hidden.0 3".
    pub fn numbering(&self, sites: &PerSite<Site>) -> Option<String> {
        let places = self.places.as_ref()?;
        let first = |(site, at): (&Site, &Range<i64>)| format!("{} {}", site.name, at.start);
        Some(sites.iter().zip(places.at.iter()).map(first).collect::<Vec<_>>().join(", "))
    }

    /// Of a `mask` [replica, sample, component], what belongs to the components that live at the site; a view.
    pub fn mask_at(&self, site: SiteIndex, mask: &Tensor) -> Tensor {
        if self.live_everywhere() {
            return mask.shallow_clone();
        }
        let Range { start, end } = self.numbers_at(site);
        mask.narrow(2, start, end - start)
    }

    /// The factors of all components at a site, zeros for those that do not live there.
    pub fn all_at(&self, site: SiteIndex) -> Factors {
        let Factors { a, b } = &self.factors[site];
        let Range { start, end } = self.numbers_at(site);
        let after = self.number() - end;
        if start + after == 0 {
            return self.factors[site].map(Tensor::shallow_clone);
        }
        let padded = |tensor: &Tensor, around: &[i64]| tensor.constant_pad_nd(around);
        Factors { a: padded(a, &[0, 0, start, after]), b: padded(b, &[0, 0, 0, 0, start, after]) }
    }

    /// As [`Components::all_at`], for every site.
    pub fn at_all_sites(&self) -> PerSite<Factors> {
        self.factors.enumerate().map(|(site, _)| self.all_at(site)).collect()
    }

    /// These places with other tensors.
    fn with(&self, factors: PerSite<Factors>) -> Self {
        Self { factors, places: self.places.clone() }
    }

    /// Random initial factors, for each replica from its own seed: Xavier's rule over [instances, component, d_in, rank]
    /// for A and [instances, component, rank, d_out] for B.
    pub fn random(sites: &PerSite<Site>, number: usize, rank: usize, rule: InitialValues, seeds: &[u64]) -> Self {
        let (number, rank) = (number as i64, rank as i64);
        let mut generators: Vec<_> = seeds.iter().map(|&seed| stream(seed, Purpose::InitialComponents, 0)).collect();
        let factors = sites.iter().map(|site| {
            let a = rule.sample(&[number, site.d_in, rank], &mut generators).permute([0, 2, 1, 3]).contiguous();
            let b = rule.sample(&[number, rank, site.d_out], &mut generators);
            Factors { a, b }
        });
        Self::everywhere(factors.collect())
    }

    pub fn zeros_like(&self) -> Self {
        self.map(Tensor::zeros_like)
    }

    pub fn to_device(&self, device: Device) -> Self {
        self.map(|tensor| tensor.to_device(device))
    }

    /// The replicas of all of these, side by side; all have the same shapes.
    pub fn stack(parts: &[Components]) -> Self {
        let gather = |tensor: fn(&Factors) -> &Tensor, site| {
            Tensor::cat(&parts.iter().map(|part| tensor(&part.factors[site])).collect::<Vec<_>>(), 0)
        };
        let of_site =
            |(site, _)| Factors { a: gather(|factors| &factors.a, site), b: gather(|factors| &factors.b, site) };
        parts[0].with(parts[0].factors.enumerate().map(of_site).collect())
    }

    /// Views of some replicas.
    pub fn of_replicas(&self, replicas: Range<usize>) -> Self {
        self.map(|tensor| tensor.narrow(0, replicas.start as i64, replicas.len() as i64))
    }

    /// A view of one replica, its axis kept.
    pub fn replica(&self, replica: usize) -> Self {
        self.of_replicas(replica..replica + 1)
    }

    pub fn map(&self, mut function: impl FnMut(&Tensor) -> Tensor) -> Self {
        self.with(self.factors.map(|factors| factors.map(&mut function)))
    }

    /// Views of the first rank-one parts of every component.
    pub fn first_parts(&self, number: usize) -> Self {
        let part =
            |Factors { a, b }: &Factors| Factors { a: a.narrow(3, 0, number as i64), b: b.narrow(2, 0, number as i64) };
        self.with(self.factors.map(part))
    }

    /// Sets the rank-one parts from the `first` on of every component to zero, by their rows of B.
    pub fn drop_parts_from(&mut self, first: usize) {
        let (first, rank) = (first as i64, self.rank());
        if first < rank {
            self.factors.iter().for_each(|Factors { b, .. }| drop(b.narrow(2, first, rank - first).zero_()));
        }
    }

    /// Overwrites these with others of the same shapes.
    pub fn copy_from(&mut self, others: &Components) {
        for (own, other) in self.factors.iter().zip(others.factors.iter()) {
            own.a.shallow_clone().copy_(&other.a);
            own.b.shallow_clone().copy_(&other.b);
        }
    }

    /// Divides every column of every A (over d_in) by its length.
    pub fn normalise_columns(&mut self) {
        self.factors.iter().for_each(|Factors { a, .. }| normalise_columns(a));
    }

    /// Number of components C.
    pub fn number(&self) -> i64 {
        self.places.as_ref().map_or_else(|| self.first().size()[2], |places| places.number)
    }

    /// Rank budget m, the largest of any site.
    pub fn rank(&self) -> i64 {
        self.factors.iter().map(|factors| factors.a.size()[3]).max().expect("a network has a site")
    }

    pub fn replicas(&self) -> i64 {
        self.first().size()[0]
    }

    pub fn device(&self) -> Device {
        self.first().device()
    }

    fn first(&self) -> &Tensor {
        &self.factors.iter().next().expect("a network has a site").a
    }

    /// Every tensor in memory order under its name, `<site>.A` and `<site>.B`; the clones share their storage.
    pub fn named(&self, sites: &PerSite<Site>) -> Vec<(String, Tensor)> {
        let pairs = sites.iter().zip(self.factors.iter());
        pairs
            .flat_map(|(site, factors)| {
                [
                    (format!("{}.A", site.name), factors.a.shallow_clone()),
                    (format!("{}.B", site.name), factors.b.shallow_clone()),
                ]
            })
            .collect()
    }

    /// As [`Components::named`], with A in the order that files keep: [replica, component, d_in, rank].
    pub fn to_files(&self, sites: &PerSite<Site>) -> Vec<(String, Tensor)> {
        let as_in_files =
            |Factors { a, b }: &Factors| Factors { a: a.permute([0, 2, 1, 3]).contiguous(), b: b.contiguous() };
        self.with(self.factors.map(as_in_files)).named(sites)
    }

    /// Components that live at all sites from the tensors of a file, looked up by name; `None` where one is missing.
    pub fn from_files(sites: &PerSite<Site>, mut tensor: impl FnMut(&str) -> Option<Tensor>) -> Option<Self> {
        let factors = sites.iter().map(|site| {
            let a = tensor(&format!("{}.A", site.name))?.permute([0, 2, 1, 3]).contiguous();
            Some(Factors { a, b: tensor(&format!("{}.B", site.name))?.contiguous() })
        });
        Some(Self::everywhere(factors.collect::<Option<_>>()?))
    }

    /// sum_l |P_{c,l}|_F^2, [replica, component].
    pub fn squared_norms(&self) -> Tensor {
        let of_site =
            |factors: &Factors| factors.matrices().square().sum_dim_intlist([2, 3].as_slice(), false, Kind::Double);
        self.at_all_sites().iter().map(of_site).reduce(|sum, square| sum + square).expect("a network has a site")
    }
}

/// The derivative with respect to the factors of all components, in two parts: dA = `rest` + `lengthwise` A, and likewise
/// dB. A loss of the factors' lengths has a derivative along the factors themselves: numbers a column of A and a row of B
/// say it, where a whole tensor would have to be read and written.
#[derive(Debug)]
pub struct Gradient {
    pub rest: Components,
    /// [replica, 1, component, rank] for A, [replica, component, rank, 1] for B.
    pub lengthwise: Components,
}

impl Gradient {
    pub fn zeros_like(components: &Components) -> Self {
        let lengthwise = components.factors.map(|Factors { a, b }| {
            let [replicas, _, components, rank] = a.size()[..] else { panic!("A has four axes") };
            Factors {
                a: a.new_zeros([replicas, 1, components, rank], (a.kind(), a.device())),
                b: b.new_zeros([replicas, components, rank, 1], (b.kind(), b.device())),
            }
        });
        Self { rest: components.zeros_like(), lengthwise: components.with(lengthwise) }
    }

    /// Views of some replicas.
    pub fn of_replicas(&self, replicas: Range<usize>) -> Self {
        Self { rest: self.rest.of_replicas(replicas.clone()), lengthwise: self.lengthwise.of_replicas(replicas) }
    }

    /// Views of what belongs to the first rank-one parts of every component.
    pub fn first_parts(&self, number: usize) -> Self {
        Self { rest: self.rest.first_parts(number), lengthwise: self.lengthwise.first_parts(number) }
    }

    /// Overwrites this with another of the same shapes.
    pub fn copy_from(&mut self, other: &Gradient) {
        self.rest.copy_from(&other.rest);
        self.lengthwise.copy_from(&other.lengthwise);
    }

    pub fn map(&self, function: impl Fn(&Tensor) -> Tensor) -> Self {
        Self { rest: self.rest.map(&function), lengthwise: self.lengthwise.map(&function) }
    }

    /// Takes away the part along each column of every A of `components`, whose columns are of length one.
    pub fn drop_parallel(&mut self, components: &Components) {
        let sites = components.factors.iter().zip(self.rest.factors.iter()).zip(self.lengthwise.factors.iter());
        for ((Factors { a, .. }, rest), lengthwise) in sites {
            // In the place of what was there, which is along the columns as a whole.
            lengthwise.a.shallow_clone().copy_(&-column_products(&rest.a, a).unsqueeze(1));
        }
    }
}
