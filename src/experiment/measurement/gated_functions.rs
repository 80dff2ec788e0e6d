//! What is measured of gated functions: whether the components are the functions.

use super::Subject;
use crate::{
    experiment::tables::{self, ComponentRow, GatedFeatureRow, SummaryRow},
    metric::{FunctionMatch, GatedRecovery, gated_recovery},
    network::{GatedFunctions, Network},
    run::{RunError, RunFolder, write_table},
};

pub struct Mechanisms {
    recovery: GatedRecovery,
    replica: usize,
}

impl super::Mechanisms for Mechanisms {
    fn measure(subject: &Subject) -> Option<Self> {
        let Network::GatedFunctions(gated) = subject.decomposition.network() else { unreachable!("chosen by kind") };
        let truth = gated.true_components(subject.decomposition.weights(), gated.functions, GatedFunctions::TRUE_RANK);
        let recovery = gated_recovery(&truth, subject.decomposition.components());
        Some(Self { recovery, replica: subject.replica })
    }

    fn summarise(&self, row: &mut SummaryRow) {
        row.features_with_own_component =
            Some(self.recovery.functions.iter().filter(|function| function.is_recovered()).count());
        row.recovered = Some(self.recovery.recovered);
    }

    fn describe(&self, rows: &mut [ComponentRow]) {
        for (row, agreement) in rows.iter_mut().zip(&self.recovery.components) {
            row.matched_feature = Some(agreement.function);
            row.cosine = Some(agreement.cosine);
        }
    }

    fn write(replicas: &[Self], folder: &RunFolder) -> Result<(), RunError> {
        let rows = replicas.iter().flat_map(|Self { recovery, replica }| {
            let row = |(feature, found): (usize, &FunctionMatch)| GatedFeatureRow {
                replica: *replica,
                feature,
                component: found.component,
                cosine: found.cosine,
                own_component: found.is_recovered(),
            };
            recovery.functions.iter().enumerate().map(row)
        });
        write_table(&folder.features_table(), tables::GATED_FEATURES, rows)
    }
}
