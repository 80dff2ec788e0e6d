//! A canvas on which panels and text are placed by their pixels.

use kuva::{
    backend::svg::SvgBackend,
    plot::LinePlot,
    render::{
        layout::Layout,
        plots::Plot,
        render::{Primitive, Scene, TextAnchor, render_multiple},
    },
};

use super::style;

/// A rectangle on the sheet in pixels, from the upper left.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Frame {
    pub fn right(&self) -> f64 {
        self.x + self.width
    }
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }
    pub fn middle(&self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }
}

/// One axis of a panel.
#[derive(Clone)]
pub struct Axis {
    pub range: (f64, f64),
    /// Where the ticks are, and what is written there.
    pub ticks: Vec<(f64, String)>,
    /// Whether the ticks are drawn and numbered, or only the grid.
    pub numbered: bool,
}

impl Axis {
    /// Ticks at the multiples of `step`.
    pub fn linear(range: (f64, f64), step: f64, format: fn(f64) -> String) -> Axis {
        let multiples = (range.0 / step).ceil() as i64..=(range.1 / step).floor() as i64;
        let ticks = multiples.map(|multiple| multiple as f64 * step).map(|tick| (tick, format(tick)));
        Axis { range, ticks: ticks.collect(), numbered: true }
    }

    /// For logarithms to base 10: whole powers of ten, or few multiples of these where the range is short.
    pub fn logarithmic(logarithms: impl Iterator<Item = f64> + Clone) -> Axis {
        let low = logarithms.clone().fold(f64::INFINITY, f64::min);
        let high = logarithms.fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = if low <= high && (high - low).is_finite() { (low, high) } else { (-1.0, 0.0) };
        // So much holds two ticks at least.
        const SHORTEST: f64 = 0.75;
        let margin = (0.04 * (high - low)).max((SHORTEST - (high - low)) / 2.0);
        let range = (low - margin, high + margin);
        let powers = || range.0.floor() as i32..=range.1.ceil() as i32;
        let span = range.1 - range.0;
        let ticks: Vec<(f64, String)> = if span < 3.0 {
            let factors: &[u8] = if span < 1.6 { &[1, 2, 5] } else { &[1, 3] };
            let marks = powers().flat_map(|power| factors.iter().map(move |factor| (*factor, power)));
            let tick =
                |(factor, power)| (f64::from(power) + f64::from(factor).log10(), style::times_ten(factor, power));
            marks.map(tick).collect()
        } else {
            let stride = style::tick_step(span, 5.0).max(1.0) as i32;
            let whole = powers().filter(|power| power % stride == 0);
            whole.map(|power| (f64::from(power), style::power_of_ten(power))).collect()
        };
        let ticks = ticks.into_iter().filter(|(tick, _)| (range.0..=range.1).contains(tick)).collect();
        Axis { range, ticks, numbered: true }
    }

    pub fn numbered(mut self, numbered: bool) -> Axis {
        self.numbered = numbered;
        self
    }

    /// Where `value` lies between the axis's ends, 0 to 1.
    fn share(&self, value: f64) -> f64 {
        (value - self.range.0) / (self.range.1 - self.range.0)
    }
}

pub struct Sheet {
    scene: Scene,
}

/// What the plotting library is given around a panel's frame, in which nothing is drawn.
const MARGIN: f64 = 20.0;
/// Width of axes, ticks and grid.
const LINE_WIDTH: f64 = 0.8;

impl Sheet {
    pub fn new(height: f64) -> Sheet {
        let mut scene = Scene::new(style::WIDTH, height);
        scene.text_color = Some(style::INK.to_owned());
        scene.font_family = Some(style::FONT_FAMILY.to_owned());
        Sheet { scene }
    }

    /// Draws `plots` and their axes; `frame` is the area of the data.
    pub fn panel(&mut self, frame: Frame, x: &Axis, y: &Axis, grid: bool, mut plots: Vec<Plot>) {
        // Without any plot there would be no axes.
        plots.push(Plot::Line(LinePlot::new()));
        self.ticks(frame, x, y, grid);
        let mut layout = Layout::new(x.range, y.range)
            .with_width(frame.width + 2.0 * MARGIN)
            .with_height(frame.height + 2.0 * MARGIN)
            .with_force_margins(MARGIN, MARGIN)
            .with_force_margins_y(MARGIN, MARGIN)
            .with_x_axis_min(x.range.0)
            .with_x_axis_max(x.range.1)
            .with_y_axis_min(y.range.0)
            .with_y_axis_max(y.range.1)
            .with_axis_line_width(LINE_WIDTH)
            .with_theme(style::theme())
            .with_font_family(style::FONT_FAMILY);
        (layout.suppress_x_ticks, layout.suppress_y_ticks) = (true, true);
        let panel = render_multiple(plots, layout);
        self.scene.defs.extend(panel.defs);
        let (left, top) = (frame.x - MARGIN, frame.y - MARGIN);
        self.scene.add(Primitive::GroupStart {
            transform: Some(format!("translate({left:.2},{top:.2})")),
            title: None,
            extra_attrs: None,
        });
        panel.elements.into_iter().for_each(|element| self.scene.add(element));
        self.scene.add(Primitive::GroupEnd);
    }

    fn ticks(&mut self, frame: Frame, x: &Axis, y: &Axis, grid: bool) {
        const LENGTH: f64 = 3.0;
        let size = f64::from(style::TICK);
        for (value, label) in &x.ticks {
            let at = frame.x + x.share(*value) * frame.width;
            if grid {
                self.line((at, frame.y), (at, frame.bottom()), style::GRID);
            }
            if x.numbered {
                self.line((at, frame.bottom()), (at, frame.bottom() + LENGTH), style::MUTED);
                let below = (at, frame.bottom() + LENGTH + size + 1.0);
                self.text(below, label, style::TICK, style::INK, TextAnchor::Middle);
            }
        }
        for (value, label) in &y.ticks {
            let at = frame.bottom() - y.share(*value) * frame.height;
            if grid {
                self.line((frame.x, at), (frame.right(), at), style::GRID);
            }
            if y.numbered {
                self.line((frame.x - LENGTH, at), (frame.x, at), style::MUTED);
                let left = (frame.x - LENGTH - 2.0, at + 0.35 * size);
                self.text(left, label, style::TICK, style::INK, TextAnchor::End);
            }
        }
    }

    fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), colour: &str) {
        let (stroke, stroke_width, stroke_dasharray) = (colour.into(), LINE_WIDTH, None);
        self.scene.add(Primitive::Line { x1, y1, x2, y2, stroke, stroke_width, stroke_dasharray });
    }

    /// Writes `content` with its baseline at (x, y).
    pub fn text(&mut self, (x, y): (f64, f64), content: &str, size: u32, colour: &str, anchor: TextAnchor) {
        self.scene.add(Primitive::Text {
            x,
            y,
            content: content.to_owned(),
            size,
            anchor,
            rotate: None,
            bold: false,
            color: Some(colour.into()),
        });
    }

    /// A panel's name, in bold, above the left end of its frame.
    pub fn title(&mut self, (x, y): (f64, f64), content: &str) {
        let content = content.to_owned();
        let (size, anchor) = (style::TITLE, TextAnchor::Start);
        self.scene.add(Primitive::Text { x, y, content, size, anchor, rotate: None, bold: true, color: None });
    }

    /// An axis label that reads upwards, centred at (x, y).
    pub fn upright(&mut self, (x, y): (f64, f64), content: &str) {
        self.scene.add(Primitive::Text {
            x,
            y,
            content: content.to_owned(),
            size: style::LABEL,
            anchor: TextAnchor::Middle,
            rotate: Some(-90.0),
            bold: false,
            color: None,
        });
    }

    /// Adds anything else, in the sheet's pixels.
    pub fn add(&mut self, primitive: Primitive) {
        self.scene.add(primitive);
    }

    /// A short line of `colour` with its meaning, from x on at height y; returns where it ends.
    pub fn key(&mut self, (x, y): (f64, f64), colour: &str, meaning: &str) -> f64 {
        const LINE: f64 = 16.0;
        self.scene.add(Primitive::Line {
            x1: x,
            y1: y - 4.0,
            x2: x + LINE,
            y2: y - 4.0,
            stroke: colour.into(),
            stroke_width: 2.0,
            stroke_dasharray: None,
        });
        self.text((x + LINE + 5.0, y), meaning, style::LABEL, style::INK, TextAnchor::Start);
        // Letters are about 0.6 times as wide as high in the widest of the fonts.
        x + LINE + 5.0 + meaning.chars().count() as f64 * f64::from(style::LABEL) * 0.6 + 12.0
    }

    /// The picture, which scales with the page that shows it. `name` is the figure's and sets its identifiers apart
    /// from those of other figures in one page; `title` is read to those who cannot see the picture.
    pub fn svg(self, name: &str, title: &str) -> String {
        let (width, height) = (self.scene.width, self.scene.height);
        let svg = SvgBackend::new().render_scene(&self.scene);
        let (opening, rest) = svg.split_once('>').expect("an SVG has an opening tag");
        let opening =
            opening.replacen("<svg ", &format!("<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" "), 1);
        renumbered(&format!("{opening}><title>{title}</title>{rest}"), name)
    }
}

/// The plotting library counts its clipping areas through the life of the process; here they are counted anew in each
/// figure, so that the same data give the same bytes.
fn renumbered(svg: &str, name: &str) -> String {
    const COUNTED: &str = "kuva-clip-";
    let mut parts = svg.split(COUNTED);
    let mut renumbered = parts.next().unwrap_or_default().to_owned();
    let mut seen: Vec<&str> = Vec::new();
    for part in parts {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (number, rest) = part.split_at(digits);
        let index = seen.iter().position(|known| *known == number).unwrap_or_else(|| {
            seen.push(number);
            seen.len() - 1
        });
        renumbered.push_str(&format!("{name}-clip-{index}{rest}"));
    }
    renumbered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn clipping_areas_are_counted_anew_in_each_figure() {
        let svg = "id=kuva-clip-31 id=kuva-clip-7 #kuva-clip-31)";
        assert_eq!(renumbered(svg, "losses"), "id=losses-clip-0 id=losses-clip-1 #losses-clip-0)");
    }

    #[test]
    fn a_linear_axis_has_ticks_at_the_multiples_of_its_step() {
        let axis = Axis::linear((-1.4, 1.4), 1.0, style::number);
        assert_eq!(labels(&axis), ["−1", "0", "1"]);
    }

    #[test]
    fn a_long_logarithmic_axis_has_ticks_at_powers_of_ten() {
        let axis = Axis::logarithmic([-7.9, 0.3].into_iter());
        assert_eq!(labels(&axis), ["10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "1"]);
    }

    #[test]
    fn a_short_logarithmic_axis_has_two_ticks_at_least() {
        assert_eq!(labels(&Axis::logarithmic([0.3_f64, 1.9].map(f64::log10).into_iter())), ["0.5", "1", "2"]);
        assert_eq!(labels(&Axis::logarithmic([3e-6_f64].map(f64::log10).into_iter())), ["2·10⁻⁶", "5·10⁻⁶"]);
        assert!(labels(&Axis::logarithmic([].into_iter())).len() >= 2);
    }
}
