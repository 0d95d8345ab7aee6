//! Random queries in two dialects at once.
//!
//! Owns the shapes: projection, DISTINCT, groups, groups of groups, unions, windows, windows of windows, groups of windows. A
//! shape is made of views, `w1`, `w2`, .., each one step, so that both dialects read alike.

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

use super::expr::{Expr, Kind, aggregate, condition, value};
use super::table::{Table, columns};

/// A query under construction: views in both dialects, and the columns of the last one.
pub(crate) struct Query {
    /// Our views.
    pub(crate) ours: String,
    /// SQLite's views.
    pub(crate) lite: String,
    /// The newest view's columns.
    pub(crate) columns: Vec<Expr>,
    /// The newest view's name.
    pub(crate) name: String,
    views: usize,
    /// Column with the event time, if there is one left, and the greatest size of the windows behind it.
    time: Option<(&'static str, i64)>,
    /// Whether rows may be late for the first windows: SQLite then has `wm`.
    has_wm: bool,
    /// Whether the last column is an aggregate's result that changes.
    is_updating: bool,
}

impl Query {
    /// All rows of a table.
    fn table(table: &Table) -> Self {
        Self {
            ours: String::new(),
            lite: String::new(),
            columns: columns(),
            name: table.name.to_owned(),
            views: 0,
            time: Some(("ts", 0)),
            has_wm: true,
            is_updating: false,
        }
    }

    pub(crate) fn random(rng: &mut StdRng, tables: &[Table]) -> Self {
        let mut query = Self::table(&tables[0]);
        if rng.random_bool(0.5) {
            query.filter(rng);
        }
        match rng.random_range(0..12) {
            0 => query.project(rng),
            1 => query.distinct(rng),
            2 | 3 => query.group(rng),
            4 | 5 => {
                query.group(rng);
                query.group(rng);
            }
            6 => {
                query.union(rng, &tables[1]);
                if rng.random_bool(0.7) {
                    query.group(rng);
                }
            }
            7 => {
                query.distinct(rng);
                query.group(rng);
            }
            8 | 9 => query.window(rng),
            10 => {
                query.window(rng);
                query.window(rng);
            }
            _ => {
                query.window(rng);
                query.group(rng);
            }
        }
        if rng.random_bool(0.2) {
            query.filter(rng);
        }
        query
    }

    fn view(&mut self, ours: &str, lite: &str) {
        self.views += 1;
        self.name = format!("w{}", self.views);
        self.ours.push_str(&format!("CREATE VIEW {} AS {ours};\n", self.name));
        self.lite.push_str(&format!("CREATE VIEW {} AS {lite};\n", self.name));
    }

    fn filter(&mut self, rng: &mut StdRng) {
        let condition = condition(rng, &self.columns, 2);
        let name = self.name.clone();
        let ours = format!("SELECT * FROM {name} WHERE {}", condition.ours);
        self.view(&ours, &format!("SELECT * FROM {name} WHERE {}", condition.lite));
    }

    /// Replaces the columns by named expressions: `SELECT DISTINCT k AS c0, v + 1 AS c1 FROM t1` and so on.
    fn select(&mut self, word: &str, items: Vec<Expr>, ours: &str, lite: &str) {
        let list = |side: fn(&Expr) -> &String| {
            let items = items.iter().enumerate().map(|(i, item)| format!("{} AS c{i}", side(item)));
            items.collect::<Vec<_>>().join(", ")
        };
        let (ours, lite) = (
            format!("SELECT {word}{} FROM {ours}", list(|e| &e.ours)),
            format!("SELECT {word}{} FROM {lite}", list(|e| &e.lite)),
        );
        self.columns = items.iter().enumerate().map(|(i, e)| Expr::same(format!("c{i}"), e.kind)).collect();
        self.view(&ours, &lite);
        self.time = None;
        self.has_wm = false;
    }

    fn project(&mut self, rng: &mut StdRng) {
        let items = (0..rng.random_range(1..5)).map(|_| value(rng, &self.columns)).collect();
        let name = self.name.clone();
        self.select("", items, &name, &name);
    }

    fn distinct(&mut self, rng: &mut StdRng) {
        let items = (0..rng.random_range(1..3)).map(|_| value(rng, &self.columns)).collect();
        let name = self.name.clone();
        self.select("DISTINCT ", items, &name, &name);
    }

    fn group(&mut self, rng: &mut StdRng) {
        let mut keys: Vec<Expr> = (0..rng.random_range(0..3)).map(|_| value(rng, &self.columns)).collect();
        if self.is_updating && rng.random_bool(0.6) {
            // Groups by what changes come and go all the time.
            keys = self.columns.last().cloned().into_iter().collect();
        }
        let calls: Vec<Expr> = (0..rng.random_range(1..4)).map(|_| aggregate(rng, &self.columns)).collect();
        let by =
            |side: fn(&Expr) -> &String| keys.iter().map(|e| side(e).clone()).collect::<Vec<_>>().join(", ");
        let (mut ours, mut lite) = (self.name.clone(), self.name.clone());
        if !keys.is_empty() {
            ours.push_str(&format!(" GROUP BY {}", by(|e| &e.ours)));
            lite.push_str(&format!(" GROUP BY {}", by(|e| &e.lite)));
        }
        let having = if rng.random_bool(0.3) { Some(having(rng, &self.columns)) } else { None };
        // Without keys and rows we have no group, SQLite has one.
        let mut conditions = if keys.is_empty() { vec!["COUNT(*) > 0".to_owned()] } else { vec![] };
        if let Some(having) = having {
            ours.push_str(&format!(" HAVING {}", having.ours));
            conditions.push(having.lite);
        }
        if !conditions.is_empty() {
            lite.push_str(&format!(" HAVING {}", conditions.join(" AND ")));
        }
        self.select("", keys.into_iter().chain(calls).collect(), &ours, &lite);
        self.is_updating = true;
    }

    fn union(&mut self, rng: &mut StdRng, other: &Table) {
        let count = rng.random_range(1..4);
        let items: Vec<Expr> = (0..count).map(|_| value(rng, &self.columns)).collect();
        if rng.random_bool(0.3) {
            self.project_as(&items);
            let name = self.name.clone();
            let all = self.columns.clone();
            let ours = format!("{name} UNION ALL SELECT * FROM {name}");
            self.select("", all, &ours, &ours);
            return;
        }
        let name = self.name.clone();
        let list =
            |side: fn(&Expr) -> &String| items.iter().map(|e| side(e).clone()).collect::<Vec<_>>().join(", ");
        let ours = format!("{name} UNION ALL SELECT {} FROM {}", list(|e| &e.ours), other.name);
        let lite = format!("{name} UNION ALL SELECT {} FROM {}", list(|e| &e.lite), other.name);
        self.select("", items.clone(), &ours, &lite);
    }

    fn project_as(&mut self, items: &[Expr]) {
        let name = self.name.clone();
        self.select("", items.to_vec(), &name, &name);
    }

    /// A windowed aggregate over the rows that are on time; `c0`, `c1` are its bounds.
    fn window(&mut self, rng: &mut StdRng) {
        let Some((time, behind)) = self.time else { return };
        let slide: i64 = *[1_000, 5_000, 10_000].choose(rng).unwrap_or(&5_000);
        // Windows of windows are not smaller than those.
        let slide = if behind > 0 { behind } else { slide };
        let times = if rng.random_bool(0.5) { 1 } else { rng.random_range(2..5) };
        let size = slide * times;
        let (name, late) = (self.name.clone(), self.has_wm);
        let seconds = |millis: i64| format!("INTERVAL '{}' SECOND(5)", millis / 1_000);
        let function = if times == 1 {
            format!("TUMBLE(TABLE {name}, DESCRIPTOR({time}), {})", seconds(size))
        } else {
            format!("HOP(TABLE {name}, DESCRIPTOR({time}), {}, {})", seconds(slide), seconds(size))
        };
        let keys: Vec<Expr> = {
            let plain: Vec<&Expr> = self.columns.iter().filter(|c| c.kind != Kind::Time).collect();
            (0..rng.random_range(0..3)).filter_map(|_| plain.choose(rng).map(|e| (*e).clone())).collect()
        };
        let data: Vec<Expr> = self.columns.iter().filter(|c| c.kind != Kind::Time).cloned().collect();
        let mut calls: Vec<Expr> = (0..rng.random_range(1..4)).map(|_| aggregate(rng, &data)).collect();
        if times > 1 {
            // Flink itself cannot plan these over hopping windows.
            calls.retain(|c| !c.ours.starts_with("SUM(DISTINCT"));
        }
        calls.push(Expr::same("COUNT(*)", Kind::BigInt));

        let bound = |ours: &str, lite: &str| Expr { ours: ours.into(), lite: lite.into(), kind: Kind::Time };
        let mut items =
            vec![bound("window_start", "ws"), bound("window_end", "we"), bound("window_time", "we - 1")];
        items.extend(keys.iter().cloned());
        items.extend(calls);
        let by = keys.iter().map(|e| format!(", {}", e.ours)).collect::<String>();
        // Each row once for each of its windows.
        let offsets: Vec<String> = (0..times).map(|n| format!("SELECT {} AS back", n * slide)).collect();
        let on_time =
            if late { "wm < ws + {size} - 1".replace("{size}", &size.to_string()) } else { "1".into() };
        let rows = format!(
            "(SELECT *, ws + {size} AS we FROM (SELECT *, {time} / {slide} * {slide} - back AS ws FROM {name}, ({})) WHERE {on_time})",
            offsets.join(" UNION ALL ")
        );
        // A hopping window's start may not be a multiple of the size, but is one of the slide; a tumbling one's is both.
        let (mut ours, mut lite) = (
            format!("TABLE({function}) GROUP BY window_start, window_end, window_time{by}"),
            format!("{rows} GROUP BY ws, we{by}"),
        );
        if rng.random_bool(0.3) {
            let having = having(rng, &data);
            ours.push_str(&format!(" HAVING {}", having.ours));
            lite.push_str(&format!(" HAVING {}", having.lite));
        }
        self.select("", items, &ours, &lite);
        // Windows over windows: by their time, where a tumbling window was the only one behind.
        self.time = (times == 1).then_some(("c2", size));
    }
}

/// A condition over one aggregate.
fn having(rng: &mut StdRng, columns: &[Expr]) -> Expr {
    let call = aggregate(rng, columns);
    let alone =
        [Expr { ours: format!("({})", call.ours), lite: format!("({})", call.lite), kind: call.kind }];
    condition(rng, &alone, 0)
}
