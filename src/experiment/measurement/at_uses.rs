//! What is measured of importances that are learned at every use of a decomposed matrix.

use tch::Tensor;

use super::Subject;
use crate::{
    metric::{IMPORTANCE_TOLERANCE, Spectrum, dense_error, identity_error},
    network::Network,
    run::{RunError, RunFolder},
    slices::tensor_from,
    table::{ImportanceHistogramRow, ImportanceRow, MaskedErrorRow, OneHotImportanceRow, SiteRow},
};

/// The value of the one active feature, as in the code of Bushnaq, Braun and Sharkey (2025).
const ONE_HOT: f32 = 0.75;

/// Importances below this are not written one by one.
const LEAST_WRITTEN: f64 = 0.01;

/// The rows of one replica.
pub struct AtUses {
    sites: Vec<SiteRow>,
    importances: Vec<ImportanceRow>,
    one_hot: Vec<OneHotImportanceRow>,
    histogram: Vec<ImportanceHistogramRow>,
    masked_errors: Vec<MaskedErrorRow>,
}

impl Subject<'_> {
    /// `None` of a method that learns nothing of single uses.
    pub fn at_uses(&self) -> Option<AtUses> {
        let Self { decomposed, activity, replica, .. } = *self;
        let network = decomposed.network();
        let one_hot = self.one_hot_importances();
        let mut rows = AtUses {
            sites: Vec::new(),
            importances: Vec::new(),
            one_hot: Vec::new(),
            histogram: Vec::new(),
            masked_errors: self.masked_errors(),
        };
        let graph = network.graph();
        let uses = network.use_names().into_iter().zip(graph.uses()).zip(&activity.at_uses);
        for (place, ((site, site_use), found)) in uses.enumerate() {
            let one_hot = one_hot.get(place).map_or(&[][..], Vec::as_slice);
            let first = decomposed.components().numbers_at(site_use.site).start as usize;
            let rank = rank(&decomposed.weights().sites[site_use.site], self.spec.measurement.rank_threshold);
            rows.sites.push(SiteRow {
                replica,
                site: site.clone(),
                subcomponents: found.means.len(),
                alive: found.alive(),
                mean_active: found.mean_active(),
                identity_error: identity_error(one_hot, IMPORTANCE_TOLERANCE),
                dense_error: dense_error(one_hot, rank, IMPORTANCE_TOLERANCE),
                rank,
            });
            let numbers = found.frequencies.iter().zip(&found.means).enumerate();
            rows.importances.extend(numbers.map(|(place, (frequency, mean))| ImportanceRow {
                replica,
                site: site.clone(),
                component: first + place,
                activation_frequency: *frequency,
                mean_importance: *mean,
            }));
            for (feature, importances) in one_hot.iter().enumerate() {
                let written = importances.iter().enumerate().filter(|(_, importance)| **importance >= LEAST_WRITTEN);
                rows.one_hot.extend(written.map(|(place, importance)| OneHotImportanceRow {
                    replica,
                    site: site.clone(),
                    feature,
                    component: first + place,
                    importance: *importance,
                }));
            }
            let edge = |bin: usize| bin as f64 / found.histogram.len() as f64;
            rows.histogram.extend(found.histogram.iter().enumerate().map(|(bin, share)| ImportanceHistogramRow {
                replica,
                site: site.clone(),
                low: edge(bin),
                high: edge(bin + 1),
                share: *share,
            }));
        }
        (!rows.sites.is_empty()).then_some(rows)
    }

    /// At every use, importances `[feature][component]` where one feature alone is active; none of gated functions, whose
    /// control bits are no features with a value.
    fn one_hot_importances(&self) -> Vec<Vec<Vec<f64>>> {
        let (decomposed, network) = (self.decomposed, self.decomposed.network());
        if matches!(network, Network::GatedFunctions(_)) {
            return Vec::new();
        }
        let features = network.features();
        let entries = (0..features * features).map(|entry| if entry % (features + 1) == 0 { ONE_HOT } else { 0.0 });
        let input = tensor_from(&[1, features as i64, features as i64], entries);
        let at_uses = decomposed.at_uses(&input.to_device(decomposed.components().device()));
        let table = |importances: Tensor| {
            Vec::try_from(importances.squeeze_dim(0).to_kind(tch::Kind::Double))
                .expect("a table of [feature, component]")
        };
        at_uses.into_iter().map(|at_use| table(at_use.importances)).collect()
    }

    fn masked_errors(&self) -> Vec<MaskedErrorRow> {
        let row = |masks: &&str| {
            let error = self.activity.term(masks)?;
            Some(MaskedErrorRow { replica: self.replica, masks: (*masks).to_owned(), error })
        };
        self.spec.method.words().errors_under_masks.iter().filter_map(row).collect()
    }
}

/// The numerical rank of `weights` [1, d_in, d_out].
fn rank(weights: &Tensor, threshold: f64) -> usize {
    let values = weights.squeeze_dim(0).to_kind(tch::Kind::Double).svd(true, false).1;
    Spectrum { singular_values: Vec::try_from(values).expect("one axis") }.numerical_rank(threshold)
}

/// Writes the tables of the replicas that have them; none where no replica has.
///
/// # Errors
/// If a table cannot be written.
pub fn write_at_uses(replicas: &[AtUses], folder: &RunFolder) -> Result<(), RunError> {
    if replicas.is_empty() {
        return Ok(());
    }
    folder.write_table(replicas.iter().flat_map(|replica| &replica.sites))?;
    folder.write_table(replicas.iter().flat_map(|replica| &replica.importances))?;
    folder.write_table(replicas.iter().flat_map(|replica| &replica.one_hot))?;
    folder.write_table(replicas.iter().flat_map(|replica| &replica.histogram))?;
    folder.write_table(replicas.iter().flat_map(|replica| &replica.masked_errors))
}
