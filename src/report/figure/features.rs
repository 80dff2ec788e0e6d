//! The picture of the decomposition: each feature's weights in the target, in the sum and in each component
//! (Braun et al. 2025, the figure of the toy models of superposition).

use super::{Figure, cells, csv_text, number, vectors};
use crate::{
    report::{
        run_data::RunData,
        weights::{Matrix, SiteWeights},
    },
    run::TargetKind,
    site::Role,
};

/// Components beyond these, the smallest ones, are left out of the picture.
const MOST_COMPONENTS: usize = 100;
/// A component whose weights are all below this share of the target's largest is an empty panel, which is left out
/// where there are more than `FEW` components.
const EMPTY: f64 = 0.01;
const FEW: usize = 12;

/// One matrix [feature, hidden] of the picture.
pub struct Panel {
    pub name: String,
    /// What is known of it: "feature 3", "dead".
    pub note: String,
    /// The feature that the component is matched with.
    pub feature: Option<usize>,
    pub weights: Matrix,
    component: Option<usize>,
}

pub fn draw(run: &RunData) -> Option<Figure> {
    let replica = run.shown_replica();
    let embedding = [Role::TiedEmbedding, Role::Embedding].into_iter().find_map(|role| run.description.site(role));
    // That of every run whose description is lost with its spec.
    let embedding = embedding.map_or("embed", |site| &site.name);
    let embedding = run.weights.as_ref()?.site(replica, embedding)?;
    let (panels, left_out) = panels(run, replica, embedding);
    let hidden = panels.first()?.weights.columns;
    let as_vectors = hidden == 2;
    let title = "Embedding weights of each feature in the target, the sum and each component";
    let svg = if as_vectors { vectors::draw(&panels, title) } else { cells::draw(&panels, title) };
    Some(Figure {
        name: "features",
        title: "Features",
        svg,
        csv: numbers(replica, &panels),
        caption: caption(run, as_vectors, left_out),
    })
}

/// Target, sum, components: those matched with a feature in the features' order, then the others by their norm.
fn panels(run: &RunData, replica: usize, embedding: SiteWeights) -> (Vec<Panel>, usize) {
    let plain = |name: &str, note: &str, weights| Panel {
        name: name.to_owned(),
        note: note.to_owned(),
        feature: None,
        weights,
        component: None,
    };
    let sum = embedding.sum();
    let mut panels = vec![plain("target", "all features", embedding.target)];
    panels.extend(sum.map(|sum| plain("sum", "of components", sum)));
    let row = |component| run.components.iter().find(|row| (row.replica, row.component) == (replica, component));
    let mut components: Vec<Panel> = embedding
        .components
        .into_iter()
        .enumerate()
        .map(|(component, weights)| {
            let row = row(component);
            let feature = row.and_then(|row| row.matched_feature);
            let note = match (row, feature) {
                (None, _) => String::new(),
                (Some(row), _) if row.alive == Some(false) => "dead".to_owned(),
                (_, Some(feature)) => format!("feature {feature}"),
                (_, None) => "no feature".to_owned(),
            };
            Panel { name: format!("component {component}"), note, feature, weights, component: Some(component) }
        })
        .collect();
    components.sort_by(|a, b| {
        let place = |panel: &Panel| panel.feature.unwrap_or(usize::MAX);
        place(a).cmp(&place(b)).then(b.weights.norm().total_cmp(&a.weights.norm()))
    });
    let count = components.len();
    let largest = panels[0].weights.largest();
    components.retain(|panel| count <= FEW || panel.weights.largest() >= EMPTY * largest);
    components.truncate(MOST_COMPONENTS);
    let left_out = count - components.len();
    panels.extend(components);
    (panels, left_out)
}

fn numbers(replica: usize, panels: &[Panel]) -> String {
    let hidden = panels.first().map_or(0, |panel| panel.weights.columns);
    let mut header: Vec<String> = ["replica", "part", "component", "feature"].map(str::to_owned).into();
    header.extend((0..hidden).map(|dimension| format!("weight_{dimension}")));
    let rows = panels.iter().flat_map(|panel| {
        let (part, component) = match panel.component {
            Some(component) => ("component", component.to_string()),
            None => (panel.name.as_str(), String::new()),
        };
        (0..panel.weights.rows).map(move |feature| {
            let mut row = vec![replica.to_string(), part.to_owned(), component.clone(), feature.to_string()];
            row.extend(panel.weights.row(feature).iter().map(|weight| number(*weight)));
            row
        })
    });
    csv_text(&header, rows)
}

fn caption(run: &RunData, as_vectors: bool, left_out: usize) -> String {
    let drawn = if as_vectors {
        "Each arrow is a feature's row of the embedding (no unit), coloured and numbered by feature; all panels share \
         their axes. Seen when it works: the sum looks like the target, and each component holds one single arrow, as \
         long and in the same direction as the target's; the target's other arrows are in other components."
    } else {
        "Colour is the embedding's weight (no unit) from each feature (left to right) to each hidden dimension \
         (upwards); all panels share their axes and colours. Small panels are components, named by their number and \
         the feature that they are matched with. Seen when it works: the sum looks like the target, and each component \
         holds one single coloured stripe, the target's, at its own feature; the others are white."
    };
    let cut = match left_out {
        0 => String::new(),
        count => format!(" Left out: {count} components that would be empty panels or whose norm is smallest."),
    };
    let has_hidden = matches!(run.kind(), Some(TargetKind::Tms { hidden_layers: 1.., .. }));
    let layers = match (has_hidden, run.description.site(Role::Unembedding).is_some()) {
        (true, true) => " The hidden layers and the unembedding are not drawn.",
        (true, false) => " The hidden layers are not drawn.",
        (false, true) => " The unembedding is not drawn.",
        (false, false) => "",
    };
    format!("{}. {drawn}{layers}{cut}", run.shown_because())
}
