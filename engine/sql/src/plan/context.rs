//! What DataFusion's planner may ask: tables, functions, settings.
//!
//! Function names are found in any case, table and column names only as they are written. A CAST arrives as a function
//! whose name carries the type: `$cast DECIMAL(10, 2)`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::config::ConfigOptions;
use datafusion_common::{Result, ScalarValue, TableReference, plan_err};
use datafusion_expr::planner::{ContextProvider, ExprPlanner, RelationPlanner};
use datafusion_expr::{AggregateUDF, Expr, HigherOrderUDF, ScalarUDF, TableSource, WindowUDF};

use super::relation::FlinkRelationPlanner;
use crate::catalog::Catalog;
use crate::dialect::cursor::Cursor;
use crate::dialect::flink::{CAST, TRY_CAST};
use crate::dialect::tokens::tokenize;
use crate::dialect::types::parse_type;

/// Functions and settings; the same for all queries of a job.
pub(crate) struct Functions {
    scalar: BTreeMap<String, Arc<ScalarUDF>>,
    aggregate: BTreeMap<String, Arc<AggregateUDF>>,
    planners: Vec<Arc<dyn ExprPlanner>>,
    relation_planners: Vec<Arc<dyn RelationPlanner>>,
    config: Arc<ConfigOptions>,
}

impl Functions {
    pub(crate) fn new(time_zone: &str) -> Self {
        let mut config = ConfigOptions::new();
        config.sql_parser.parse_float_as_decimal = true;
        config.sql_parser.enable_ident_normalization = false;
        config.sql_parser.collect_spans = true;
        config.sql_parser.map_string_types_to_utf8view = false;
        config.sql_parser.default_null_ordering = "nulls_min".to_owned();
        config.execution.time_zone = Some(time_zone.to_owned());
        let mut scalar = BTreeMap::new();
        for function in millstream_expr::scalar_functions() {
            for alias in function.aliases() {
                scalar.insert(alias.to_lowercase(), function.clone());
            }
            scalar.insert(function.name().to_lowercase(), function);
        }
        let aggregate = millstream_expr::aggregate_functions();
        Self {
            scalar,
            aggregate: aggregate
                .into_iter()
                .map(|function| (function.name().to_lowercase(), function))
                .collect(),
            planners: millstream_expr::expr_planners(),
            relation_planners: vec![Arc::new(FlinkRelationPlanner::default())],
            config: Arc::new(config),
        }
    }

    pub(crate) fn config(&self) -> &Arc<ConfigOptions> {
        &self.config
    }

    /// Names for suggestions.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.scalar
            .keys()
            .chain(self.aggregate.keys())
            .map(String::as_str)
            .filter(|name| !name.starts_with('$'))
    }

    fn scalar_function(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        cast_function(name).or_else(|| self.scalar.get(&name.to_lowercase()).cloned())
    }
}

/// The function behind `$cast TYPE`.
fn cast_function(name: &str) -> Option<Arc<ScalarUDF>> {
    let (text, is_try) = match name.strip_prefix(CAST) {
        Some(text) => (text, false),
        None => (name.strip_prefix(TRY_CAST)?, true),
    };
    let tokens = tokenize(text).ok()?;
    let target = parse_type(&mut Cursor::new(&tokens)).ok()?;
    let placeholder = Expr::Literal(ScalarValue::Null, None);
    match millstream_expr::cast(placeholder, &target, is_try) {
        Expr::ScalarFunction(call) => Some(call.func),
        _ => None,
    }
}

/// The tables and functions that one query sees.
pub(crate) struct PlanContext<'a> {
    catalog: &'a Catalog,
    functions: &'a Functions,
}

impl<'a> PlanContext<'a> {
    pub(crate) fn new(catalog: &'a Catalog, functions: &'a Functions) -> Self {
        Self { catalog, functions }
    }

    pub(crate) fn config(&self) -> &Arc<ConfigOptions> {
        self.functions.config()
    }
}

impl fmt::Debug for PlanContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlanContext").finish_non_exhaustive()
    }
}

impl ContextProvider for PlanContext<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        match self.catalog.source(name.table()) {
            Some(source) => Ok(source),
            None => plan_err!("table '{}' not found", name.table()),
        }
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.functions.planners
    }

    fn get_relation_planners(&self) -> &[Arc<dyn RelationPlanner>] {
        &self.functions.relation_planners
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.functions.scalar_function(name)
    }

    fn get_higher_order_meta(&self, _name: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.functions.aggregate.get(&name.to_lowercase()).cloned()
    }

    fn get_window_meta(&self, _name: &str) -> Option<Arc<WindowUDF>> {
        None
    }

    fn get_variable_type(&self, _variable_names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.functions.config()
    }

    fn udf_names(&self) -> Vec<String> {
        self.functions.scalar.keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.functions.aggregate.keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        Vec::new()
    }
}
