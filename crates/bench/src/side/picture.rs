//! The picture: for each line with a ratio, a bar for each module, on a logarithmic axis; where the goal is, a mark.

use super::plan::Goal;
use super::table::{Line, Table};
use std::fmt::Write;

/// Sizes, in pixels.
const LABELS: f64 = 310.0;
const PLOT: f64 = 520.0;
const VALUES: f64 = 50.0;
const BAR: f64 = 8.0;
const GAP: f64 = 7.0;
const HEAD: f64 = 28.0;
const TOP: f64 = 46.0;

/// Readable on white and on black, as the bars are.
const TEXT: &str = "#808790";
const COLOURS: [&str; 5] = ["#2f81f7", "#d9822b", "#3fa45b", "#b565d9", "#c9506b"];
const MARK: &str = "#e5484d";

/// From the least ratio to the most, by their logarithms.
struct Axis {
    least: f64,
    most: f64,
}

impl Axis {
    fn of(ratios: &[f64]) -> Axis {
        let least = ratios.iter().copied().fold(0.1, f64::min).max(1e-6);
        let most = ratios.iter().copied().fold(1.0, f64::max);
        Axis { least: 10_f64.powf(least.log10().floor()), most: most * 1.3 }
    }

    /// How far right a ratio is, in pixels.
    fn at(&self, ratio: f64) -> f64 {
        let part = (ratio.max(self.least) / self.least).ln() / (self.most / self.least).ln();
        LABELS + PLOT * part.min(1.0)
    }

    /// Powers of ten on it.
    fn ticks(&self) -> impl Iterator<Item = f64> {
        let (least, most) = (self.least.log10().round() as i32, self.most.log10().floor() as i32);
        (least..=most).map(|power| 10_f64.powi(power))
    }
}

/// The picture as SVG. `caption`: on what and when it was measured, in lines.
pub fn svg(table: &Table, caption: &str) -> String {
    let groups = table.with_ratios();
    let bars =
        |line: &Line| (1..line.cells.len()).filter_map(|column| line.ratio(column)).collect::<Vec<_>>();
    let all: Vec<f64> =
        groups.iter().flat_map(|(_, lines)| lines.iter().flat_map(|line| bars(line))).collect();
    let axis = Axis::of(&all);
    let row = BAR * table.modules.len() as f64 + GAP;
    let lines: usize = groups.iter().map(|(_, lines)| lines.len()).sum();
    let bottom = TOP + HEAD * groups.len() as f64 + row * lines as f64;
    let (width, height) = (LABELS + PLOT + VALUES, bottom + 30.0 + 15.0 * caption.lines().count() as f64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"{TEXT}\">\n\
         <title>Speed of PKCS#11 modules, as a part of libcrypto's</title>\n"
    );
    legend(&mut svg, table);
    grid(&mut svg, &axis, bottom);
    let mut y = TOP;
    for (title, lines) in &groups {
        text(&mut svg, (8.0, y + HEAD - 9.0), "font-weight=\"bold\"", title);
        y += HEAD;
        for line in lines {
            draw(&mut svg, &axis, y, line);
            y += row;
        }
    }
    for (number, line) in caption.lines().enumerate() {
        text(&mut svg, (8.0, bottom + 36.0 + 15.0 * number as f64), "font-size=\"11\"", line);
    }
    svg + "</svg>\n"
}

/// Who has which colour, and what the mark is.
fn legend(svg: &mut String, table: &Table) {
    text(svg, (8.0, 19.0), "font-weight=\"bold\"", "Speed, as a part of libcrypto's");
    let mut x = LABELS;
    for (name, colour) in table.modules.iter().zip(COLOURS.iter().cycle()) {
        rectangle(svg, "legend", (x, 10.0), (12.0, 10.0), colour);
        text(svg, (x + 17.0, 19.0), "", name);
        x += 45.0 + 8.0 * name.chars().count() as f64;
    }
    rectangle(svg, "legend", (x, 8.0), (2.0, 14.0), MARK);
    text(svg, (x + 8.0, 19.0), "", "goal");
}

fn grid(svg: &mut String, axis: &Axis, bottom: f64) {
    for tick in axis.ticks() {
        let x = axis.at(tick);
        let stroke = if tick == 1.0 { 1.5 } else { 0.5 };
        // Writing to a string does not fail.
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"{TEXT}\" stroke-width=\"{stroke}\"/>"
        );
        text(svg, (x, TOP - 6.0), "text-anchor=\"middle\" font-size=\"11\"", &tick.to_string());
        text(svg, (x, bottom + 14.0), "text-anchor=\"middle\" font-size=\"11\"", &tick.to_string());
    }
}

fn draw(svg: &mut String, axis: &Axis, y: f64, line: &Line) {
    let bars = line.cells.len().saturating_sub(1) as f64;
    let label = (LABELS - 8.0, y + BAR * bars / 2.0 + 4.0);
    text(svg, label, "text-anchor=\"end\"", &line.title());
    for (column, colour) in (1..line.cells.len()).zip(COLOURS.iter().cycle()) {
        let Some(ratio) = line.ratio(column) else { continue };
        let (top, end) = (y + BAR * (column - 1) as f64, axis.at(ratio));
        rectangle(svg, "bar", (LABELS, top), ((end - LABELS).max(1.0), BAR - 1.0), colour);
        let value = if ratio < 0.095 { format!("{ratio:.3}") } else { format!("{ratio:.2}") };
        text(
            svg,
            (LABELS + PLOT + 10.0, top + BAR - 1.0),
            &format!("font-size=\"9\" fill=\"{colour}\""),
            &value,
        );
    }
    for goal in line.row.goals {
        if let Goal::OfDirect(least) = goal {
            rectangle(svg, "goal", (axis.at(*least) - 1.0, y - 2.0), (2.0, BAR * bars + 3.0), MARK);
        }
    }
}

fn rectangle(svg: &mut String, class: &str, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str) {
    let _ = writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"/>"
    );
}

fn text(svg: &mut String, (x, y): (f64, f64), attributes: &str, content: &str) {
    let content = content.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{content}</text>");
}

#[cfg(test)]
mod tests {
    use super::super::table::Cell;
    use super::super::table::tests::table;
    use super::*;

    /// Every element that is opened is closed, and no text breaks out.
    fn assert_well_formed(svg: &str) {
        let mut open = Vec::new();
        for part in svg.split('<').skip(1) {
            let (tag, rest) = part.split_once('>').expect("a tag ends");
            assert!(!rest.contains('>'), "{rest}");
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            let name = tag.split([' ', '/']).find(|name| !name.is_empty()).expect("a tag has a name");
            match (tag.starts_with('/'), tag.ends_with('/')) {
                (true, _) => assert_eq!(open.pop(), Some(name)),
                (false, false) => open.push(name),
                (false, true) => {}
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn there_is_one_bar_for_each_ratio_and_it_is_well_formed() {
        let mut table = table(&[100.0, 95.0, 2.0]);
        table.lines[0].cells[2] = Cell::NotOffered;
        table.modules[1] = "<a module & more>".to_owned();
        let ratios = table.lines.iter().flat_map(|line| [line.ratio(1), line.ratio(2)]).flatten().count();
        let svg = svg(&table, "a machine, a day");
        assert_eq!(svg.matches("class=\"bar\"").count(), ratios);
        assert_well_formed(&svg);
        assert!(svg.contains("&lt;a module &amp; more&gt;") && svg.contains("a machine, a day"));
    }

    #[test]
    fn the_axis_is_logarithmic_and_holds_what_is_on_it() {
        let axis = Axis::of(&[0.002, 1.05]);
        let step = axis.at(0.1) - axis.at(0.01);
        assert!((axis.at(1.0) - axis.at(0.1) - step).abs() < 1e-6);
        assert_eq!(axis.at(0.001), LABELS);
        assert!(axis.at(1.05) < LABELS + PLOT);
        assert_eq!(axis.ticks().count(), 4);
    }
}
