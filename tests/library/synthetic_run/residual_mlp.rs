//! A made-up run of a residual MLP: output i is x_i + relu(x_i), every feature goes through two neurons of its own layer.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use super::{Evidence, noise, pairs};

/// In replicas that are not recovered, every third, the last feature's component holds half of its function.
pub struct SyntheticResidualMlp {
    pub features: usize,
    pub neurons: usize,
    pub layers: usize,
    pub components: usize,
    pub replicas: usize,
}

pub const RESIDUAL_MLP: SyntheticResidualMlp =
    SyntheticResidualMlp { features: 20, neurons: 10, layers: 2, components: 25, replicas: 4 };

/// Inputs from -1 to 1.
fn inputs() -> impl Iterator<Item = f64> {
    (0..41).map(|place| f64::from(place) / 20.0 - 1.0)
}

fn label(x: f64) -> f64 {
    x + x.max(0.0)
}

impl SyntheticResidualMlp {
    /// Writes a finished run into the folder `name` below the tests' temporary folder and returns its path.
    pub fn write(&self, name: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let seeds: Vec<usize> = (0..self.replicas).collect();
        let spec = format!(
            "format = 1\nname = \"mlp\"\nseeds = {seeds:?}\n\n[target.residual_mlp]\nfeatures = {}\nwidth = 30\nneurons = \
             {}\nlayers = {}\n\n[target.inputs.independent]\nprobability = 0.05\nlow = -1.0\nhigh = 1.0\n\n\
             [target.training]\nsteps = 5000\n",
            self.features, self.neurons, self.layers
        );
        let provenance = r#"{"status": "finished", "device": "cpu", "seconds": 950.0, "commit": "0123456"}"#;
        let evidence = Evidence {
            replicas: self.replicas,
            features: self.features,
            components: self.components,
            component_of: &|feature| self.component_of(feature),
        };
        evidence.write(&folder);
        for (name, text) in [
            ("spec.toml", spec),
            ("provenance.json", provenance.to_owned()),
            ("training.csv", self.training()),
            ("summary.csv", self.summary()),
            ("components.csv", self.component_table()),
            ("ranks.csv", self.ranks()),
            ("features.csv", self.feature_table()),
            ("contributions.csv", self.contributions()),
            ("serving.csv", self.serving()),
            ("layers.csv", self.layer_table()),
            ("scrubbing.csv", self.scrubbing()),
            ("responses.csv", self.responses()),
            ("curves.csv", self.curves()),
            ("scrubbing_curves.csv", self.scrubbing_curves()),
        ] {
            fs::write(folder.join(name), text).unwrap();
        }
        folder
    }

    fn component_of(&self, feature: usize) -> usize {
        (3 * feature + 2) % self.components
    }

    fn feature_of(&self, component: usize) -> Option<usize> {
        (0..self.features).find(|feature| self.component_of(*feature) == component)
    }

    /// How much of the feature's function its component holds.
    fn held(&self, replica: usize, feature: usize) -> f64 {
        if replica % 3 == 2 && feature + 1 == self.features { 0.5 } else { 0.95 }
    }

    fn training(&self) -> String {
        let mut text = "replica,step,term,value\n".to_owned();
        for (replica, point) in pairs(self.replicas, 51) {
            let value = 0.02 * (-0.1 * point as f64).exp() + 1e-4 * (1.0 + 0.2 * noise(point + 31 * replica));
            for term in ["faithfulness", "minimality", "simplicity", "hidden", "total"] {
                writeln!(text, "{replica},{},{term},{value:e}", 200 * point).unwrap();
            }
        }
        text
    }

    fn summary(&self) -> String {
        let mut text =
            "replica,seed,faithfulness,minimality,simplicity,total,mmcs,ml2r,mean_active,alive,mean_rank,recovered,\
                        description_length,features_with_own_component,monosemantic,duplicate,mixed,idle,\
                        mean_layers_spanned,scrubbed_error,anti_scrubbed_error\n"
                .to_owned();
        for replica in 0..self.replicas {
            let recovered = replica % 3 != 2;
            let own = if recovered { self.features } else { self.features - 1 };
            let alive = self.features;
            writeln!(
                text,
                "{replica},{replica},1e-6,1e-4,2e-5,3e-4,,,1.02,{alive},1.2,{recovered},9.8,{own},{alive},0,0,0,1.3,1e-4,9e-4"
            )
            .unwrap();
        }
        text
    }

    fn component_table(&self) -> String {
        let mut text = "replica,component,activation_frequency,mean_attribution,matched_feature,cosine,norm_ratio,\
                        largest_leak,alive,norm_share,state,features_served,layers_spanned\n"
            .to_owned();
        for (replica, component) in pairs(self.replicas, self.components) {
            let (frequency, alive, state, served) = match self.feature_of(component) {
                Some(feature) => (0.05 + 0.002 * noise(feature + 7 * replica), true, "monosemantic", 1),
                None => (0.0, false, "dead", 0),
            };
            writeln!(text, "{replica},{component},{frequency},0.05,,,,,{alive},0.01,{state},{served},1.3").unwrap();
        }
        text
    }

    fn ranks(&self) -> String {
        let mut text = "replica,component,site,numerical_rank,stable_rank,entropy_rank,frobenius_norm,nuclear_norm,\
                        singular_value_1,singular_value_2,singular_value_3\n"
            .to_owned();
        for (replica, component) in pairs(self.replicas, self.components) {
            for (layer, site) in pairs(self.layers, 2) {
                let site = ["mlp_in", "mlp_out"][site];
                let first = if self.feature_of(component).is_some() { 0.8 } else { 0.05 };
                let small = first * 10_f64.powf(-4.0 + noise(component));
                writeln!(
                    text,
                    "{replica},{component},layers.{layer}.{site},1,1,1,{first},{first},{first},{small:e},{small:e}"
                )
                .unwrap();
            }
        }
        text
    }

    fn feature_table(&self) -> String {
        let mut text = "replica,feature,component,own_component,error_none,error_alone,error_selected,target_error,\
                        mean_active,components_serving,slope,cosine\n"
            .to_owned();
        for (replica, feature) in pairs(self.replicas, self.features) {
            let (component, held) = (self.component_of(feature), self.held(replica, feature));
            let jitter = 1.0 + 0.3 * noise(feature);
            let alone = 0.01 * (1.0 - held).powi(2) * jitter;
            let active = 1.0 + 0.05 * noise(feature).abs() + if held < 0.9 { 0.8 } else { 0.0 };
            writeln!(
                text,
                "{replica},{feature},{component},{},0.01,{alone:e},{:e},1e-3,{active:.3},1,{held},0.99",
                held > 0.9,
                1.2 * alone
            )
            .unwrap();
        }
        text
    }

    /// A feature has two neurons, one in its own layer and one in the next.
    fn contributions(&self) -> String {
        let mut text = "replica,feature,neuron,target,component\n".to_owned();
        for (replica, feature) in pairs(self.replicas, self.features) {
            for neuron in 0..self.neurons {
                let is_own = neuron == feature % self.neurons || neuron == (3 * feature + 1) % self.neurons;
                let target = if is_own { 0.5 } else { 0.02 * noise(feature * 17 + neuron) };
                let component = self.held(replica, feature) * if is_own { target } else { 0.5 * target };
                writeln!(text, "{replica},{feature},{neuron},{target:.5},{component:.5}").unwrap();
            }
        }
        text
    }

    fn serving(&self) -> String {
        let mut text = "replica,feature,component,weight,share\n".to_owned();
        for (replica, feature) in pairs(self.replicas, self.features) {
            let weight = self.held(replica, feature);
            writeln!(text, "{replica},{feature},{},{weight},1", self.component_of(feature)).unwrap();
        }
        text
    }

    fn layer_table(&self) -> String {
        let mut text = "replica,component,layer,share\n".to_owned();
        for (replica, component) in pairs(self.replicas, self.components) {
            let main = component % self.layers;
            let share = if self.layers == 1 { 1.0 } else { 0.8 + 0.15 * noise(component) };
            for layer in 0..self.layers {
                let share = if layer == main { share } else { (1.0 - share) / (self.layers - 1) as f64 };
                writeln!(text, "{replica},{component},{layer},{share:.4}").unwrap();
            }
        }
        text
    }

    fn scrubbing(&self) -> String {
        let mut text =
            "replica,quantile,target_to_labels,scrubbed,anti_scrubbed,scrubbed_to_labels,anti_scrubbed_to_labels\n"
                .to_owned();
        for (replica, percent) in pairs(self.replicas, 101) {
            let quantile = percent as f64 / 100.0;
            let error = 1e-5 * (6.0 * quantile).exp();
            let values = [1.0, 0.3, 4.0, 1.2, 4.5].map(|factor| format!("{:e}", factor * error));
            writeln!(text, "{replica},{quantile},{}", values.join(",")).unwrap();
        }
        text
    }

    fn responses(&self) -> String {
        let mut text = "replica,feature,output,target,component\n".to_owned();
        for (replica, feature) in pairs(self.replicas, self.features) {
            for output in 0..self.features {
                let is_own = output == feature;
                let target = if is_own { 1.9 } else { 0.03 * noise(feature * 23 + output) };
                let component = if is_own { 1.0 + 0.9 * self.held(replica, feature) } else { 0.9 * target };
                writeln!(text, "{replica},{feature},{output},{target:.5},{component:.5}").unwrap();
            }
        }
        text
    }

    fn curves(&self) -> String {
        let mut text = "replica,feature,input,label,target,component,selected\n".to_owned();
        for (replica, feature) in pairs(self.replicas, self.features) {
            let (steep, held) = (0.9 + 0.05 * noise(feature), self.held(replica, feature));
            for x in inputs() {
                let relu = steep * x.max(0.0);
                let [target, component, selected] = [1.0, held, 0.97].map(|part| x + part * relu);
                writeln!(text, "{replica},{feature},{x:.2},{:.5},{target:.5},{component:.5},{selected:.5}", label(x))
                    .unwrap();
            }
        }
        text
    }

    fn scrubbing_curves(&self) -> String {
        let mut text =
            "replica,feature,input,label,target,scrubbed_low,scrubbed_median,scrubbed_high,anti_scrubbed_low,\
                        anti_scrubbed_median,anti_scrubbed_high\n"
                .to_owned();
        for (replica, feature) in pairs(self.replicas, 3) {
            for x in inputs() {
                let (target, relu) = (x + 0.9 * x.max(0.0), x.max(0.0));
                let bands = [target - 0.1 * relu, target - 0.05 * relu, target, x - 0.1 * relu, x, x + 0.1 * relu];
                let bands = bands.map(|value| format!("{value:.5}")).join(",");
                writeln!(text, "{replica},{feature},{x:.2},{:.5},{target:.5},{bands}", label(x)).unwrap();
            }
        }
        text
    }
}
