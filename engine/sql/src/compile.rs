//! A whole text, statement by statement, to a job.
//!
//! Every statement is looked at even when one before it is wrong, so that all mistakes are shown at once; a statement that
//! only fails because of an earlier one's failure is left out of the report.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use datafusion_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion_sql::sqlparser::ast::Query;
use datafusion_sql::sqlparser::tokenizer::{Span as TextSpan, TokenWithSpan};
use millstream_connectors::ConnectorRegistry;
use millstream_plan::CompiledJob;

use crate::catalog::{Catalog, TableEnvironment, define_table};
use crate::diagnostic::{Diagnostics, Problem, did_you_mean};
use crate::dialect::limits::check_columns;
use crate::dialect::parse_script;
use crate::dialect::statement::{CreateView, Insert, Name, ParsedStatement, Statement};
use crate::dialect::tokens::span_of;
use crate::explain::Explanation;
use crate::lower::chain::{Width, chain};
use crate::lower::{Environment, Output, PlannedOutput, lower};
use crate::plan::context::{Functions, PlanContext};
use crate::plan::error::from_datafusion;
use crate::plan::locate::{condition, locate};
use crate::plan::rules::{analyze, coerce_rest, optimize};
use crate::plan::{insert, plan_query};
use crate::settings::Settings;
use crate::source_text::SourceText;

/// Stack of the thread that plans. It is virtual memory: only what is used is ever touched. The limits of `dialect::limits`
/// keep recursion far below it.
const PLANNER_STACK_BYTES: usize = 256 << 20;

/// What a text is compiled with.
#[derive(Clone)]
pub struct CompileOptions<'a> {
    /// Name of the file, for messages.
    pub file_name: String,
    /// Folder that relative paths of tables start from.
    pub base_dir: PathBuf,
    /// Values of `${NAME}`.
    pub variables: BTreeMap<String, String>,
    /// Settings that win over SET.
    pub settings: BTreeMap<String, String>,
    /// Number of subtasks a chain; wins over SET.
    pub parallelism: Option<u32>,
    /// Number of key groups; wins over SET. 256 by default.
    pub max_parallelism: Option<u32>,
    /// The connectors that tables may name.
    pub connectors: &'a ConnectorRegistry,
}

impl<'a> CompileOptions<'a> {
    /// Options without variables and overrides, for a text called `job.sql` in the folder `.`.
    #[must_use]
    pub fn new(connectors: &'a ConnectorRegistry) -> Self {
        Self {
            file_name: "job.sql".to_owned(),
            base_dir: PathBuf::from("."),
            variables: BTreeMap::new(),
            settings: BTreeMap::new(),
            parallelism: None,
            max_parallelism: None,
            connectors,
        }
    }
}

/// A compiled text.
#[derive(Debug)]
pub struct Compiled {
    /// The job: all INSERTs of the text, or its bare SELECT. `None` if the text has only definitions and EXPLAINs.
    pub job: Option<CompiledJob>,
    /// The job's plan.
    pub plan: Option<Explanation>,
    /// The plans that EXPLAIN statements ask for, in their order.
    pub explains: Vec<Explanation>,
    /// The settings in force at the end of the text, overrides included.
    pub settings: BTreeMap<String, String>,
    /// What is worth a warning; rendered with [`Diagnostics::render_warnings`]. `None` if nothing is.
    pub warnings: Option<Diagnostics>,
}

/// Compiles a text into a job.
///
/// Deterministic: the same text and options give the same job, with the same uids and fingerprint, in every process.
///
/// # Errors
/// Everything that is wrong with the text, each with its place.
pub fn compile(text: &str, options: &CompileOptions<'_>) -> Result<Compiled, Diagnostics> {
    let source = SourceText::fill(&options.file_name, text, &options.variables)?;
    let source = &source;
    let result = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("sql-planner".to_owned())
            .stack_size(PLANNER_STACK_BYTES)
            .spawn_scoped(scope, || Compiler::new(options).and_then(|compiler| compiler.run(source)));
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(vec![Problem::new(
                TextSpan::empty(),
                "the planner failed on this text: this is a fault of ours",
            )]),
            Err(error) => {
                Err(vec![Problem::new(TextSpan::empty(), format!("cannot start the planner: {error}"))])
            }
        }
    });
    match result {
        Ok((mut compiled, warnings)) => {
            if !warnings.is_empty() {
                compiled.warnings = Some(source.diagnostics(warnings));
            }
            Ok(compiled)
        }
        Err(problems) => Err(source.diagnostics(problems)),
    }
}

struct Compiler<'a> {
    options: &'a CompileOptions<'a>,
    settings: Settings,
    catalog: Catalog,
    /// Names whose definition failed: what fails because of them is not reported again.
    broken: Vec<String>,
    outputs: Vec<PlannedOutput>,
    explained: Vec<Vec<PlannedOutput>>,
    warnings: Vec<Problem>,
}

impl<'a> Compiler<'a> {
    fn new(options: &'a CompileOptions<'a>) -> Result<Self, Vec<Problem>> {
        Ok(Self {
            options,
            settings: Settings::default(),
            catalog: Catalog::default(),
            broken: Vec::new(),
            outputs: Vec::new(),
            explained: Vec::new(),
            warnings: Vec::new(),
        })
    }

    fn run(mut self, source: &SourceText) -> Result<(Compiled, Vec<Problem>), Vec<Problem>> {
        let statements = parse_script(source.text())?;
        let mut problems = Vec::new();
        for (key, value) in &self.options.settings {
            match self.settings.override_with(key, value) {
                Ok(warning) => self.warnings.extend(warning),
                Err(problem) => problems.push(problem),
            }
        }
        for parsed in &statements {
            if let Err(problem) = self.statement(parsed) {
                let problem = self.suggest_table(problem).or_at(span_of(&parsed.tokens));
                if !self.is_consequence(&problem) {
                    problems.push(problem);
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        self.finish(source).map_err(|problem| vec![problem])
    }

    fn statement(&mut self, parsed: &ParsedStatement) -> Result<(), Problem> {
        let tokens = &parsed.tokens;
        match &parsed.statement {
            Statement::CreateTable(statement) => {
                let functions = self.functions();
                let environment =
                    TableEnvironment { connectors: self.options.connectors, base_dir: self.base_dir() };
                let context = PlanContext::new(&self.catalog, &functions);
                let table = define_table(statement, tokens, &context, &environment);
                let table = self.remember(&statement.name, table)?;
                self.catalog.add_table(&statement.name, table, statement.if_not_exists)
            }
            Statement::CreateView(statement) => {
                let plan = self.view(statement, tokens);
                let plan = self.remember(&statement.name, plan)?;
                self.catalog.add_view(&statement.name, plan, statement.if_not_exists)
            }
            Statement::DropTable { name, if_exists } => self.catalog.drop(name, false, *if_exists),
            Statement::DropView { name, if_exists } => self.catalog.drop(name, true, *if_exists),
            Statement::Set(setting) => {
                // What was given from outside wins, but the text's value must still fit.
                let before = self.settings.clone();
                let warning = self.settings.set(setting)?;
                self.warnings.extend(warning);
                if self.options.settings.contains_key(&setting.key.value) {
                    self.settings = before;
                }
                Ok(())
            }
            Statement::Reset { key } => {
                self.settings.reset(key.as_ref().map(|key| key.value.as_str()));
                for (key, value) in &self.options.settings {
                    self.settings.override_with(key, value)?;
                }
                Ok(())
            }
            Statement::Insert(statement) => {
                let output = self.insert(statement)?;
                self.outputs.push(output);
                Ok(())
            }
            Statement::Inserts(inserts) => {
                for statement in inserts {
                    let output = self.insert(statement)?;
                    self.outputs.push(output);
                }
                Ok(())
            }
            Statement::Query(query) => {
                let output = self.select(query, tokens)?;
                self.outputs.push(output);
                Ok(())
            }
            Statement::Explain(target) => {
                let outputs = match &**target {
                    Statement::Insert(statement) => vec![self.insert(statement)?],
                    Statement::Inserts(inserts) => {
                        inserts.iter().map(|statement| self.insert(statement)).collect::<Result<_, _>>()?
                    }
                    Statement::Query(query) => vec![self.select(query, tokens)?],
                    _ => Vec::new(),
                };
                self.explained.push(outputs);
                Ok(())
            }
        }
    }

    fn functions(&self) -> Functions {
        Functions::new(self.settings.time_zone())
    }

    fn base_dir(&self) -> &'a Path {
        &self.options.base_dir
    }

    fn remember<T>(&mut self, name: &Name, result: Result<T, Problem>) -> Result<T, Problem> {
        if result.is_err() {
            self.broken.push(name.value.clone());
        }
        result
    }

    /// Whether a problem only says that something is missing whose definition failed.
    fn is_consequence(&self, problem: &Problem) -> bool {
        self.broken.iter().any(|name| {
            problem.message == format!("unknown table `{name}`")
                || problem.message == format!("unknown view `{name}`")
        })
    }

    /// The planner knows the functions and columns; tables are suggested here.
    fn suggest_table(&self, problem: Problem) -> Problem {
        let Some(name) =
            problem.message.strip_prefix("unknown table `").and_then(|rest| rest.strip_suffix('`'))
        else {
            return problem;
        };
        let help = self.catalog.suggestion(name);
        if problem.help.is_some() { problem } else { problem.maybe_help(help) }
    }

    /// Plans a query as far as its types; a mistake without a place gets one if a part of the query alone makes it.
    fn analyzed(&self, query: &Query, tokens: &[TokenWithSpan]) -> Result<LogicalPlan, Problem> {
        self.analyzed_whole(query, tokens).map_err(|problem| {
            if problem.span != TextSpan::empty() {
                return problem;
            }
            let plan = |part: &Query| self.analyzed_whole(part, tokens).map(drop);
            let place = locate(query, &problem, &plan);
            let is_condition = problem.message.starts_with("a condition must be BOOLEAN");
            let place = place.or_else(|| if is_condition { condition(query) } else { None });
            place.map_or(problem.clone(), |place| problem.or_at(place))
        })
    }

    fn analyzed_whole(&self, query: &Query, tokens: &[TokenWithSpan]) -> Result<LogicalPlan, Problem> {
        let functions = self.functions();
        let context = PlanContext::new(&self.catalog, &functions);
        let plan =
            plan_query(query, tokens, &context).map_err(|problem| suggest_function(problem, &functions))?;
        let plan = analyze(plan, functions.config()).map_err(|error| from_datafusion(&error, tokens))?;
        check_columns(plan.schema().fields().len(), span_of(tokens))?;
        Ok(plan)
    }

    fn optimized(&self, plan: LogicalPlan, tokens: &[TokenWithSpan]) -> Result<LogicalPlan, Problem> {
        let functions = self.functions();
        let translate = |error| from_datafusion(&error, tokens);
        let plan = coerce_rest(plan, functions.config()).map_err(translate)?;
        optimize(plan, functions.config()).map_err(translate)
    }

    fn view(&self, statement: &CreateView, tokens: &[TokenWithSpan]) -> Result<LogicalPlan, Problem> {
        let plan = self.analyzed(&statement.query, tokens)?;
        if statement.columns.is_empty() {
            return Ok(plan);
        }
        let count = plan.schema().fields().len();
        if statement.columns.len() != count {
            let message =
                format!("the view names {} columns, but its query has {count}", statement.columns.len());
            return Err(Problem::new(statement.name.span, message).label("does not fit"));
        }
        let columns = plan.schema().columns();
        let renamed = columns
            .into_iter()
            .zip(&statement.columns)
            .map(|(column, name)| Expr::Column(column).alias(&name.value));
        let renamed: Vec<Expr> = renamed.collect();
        LogicalPlanBuilder::from(plan)
            .project(renamed)
            .and_then(LogicalPlanBuilder::build)
            .map_err(|error| from_datafusion(&error, tokens).or_at(statement.name.span))
    }

    fn insert(&self, statement: &Insert) -> Result<PlannedOutput, Problem> {
        let tokens = &statement.tokens;
        let place = |problem: Problem| problem.or_at(span_of(tokens));
        let table = self.catalog.table(&statement.table)?;
        let plan = self.analyzed(&statement.query, tokens).map_err(place)?;
        let plan = insert::fit(plan, statement, &table)?;
        let plan = self.optimized(plan, tokens).map_err(place)?;
        let output = Output::Table { table, name: statement.table.clone() };
        Ok(PlannedOutput { plan, output, tokens: tokens.clone() })
    }

    fn select(&self, query: &Query, tokens: &[TokenWithSpan]) -> Result<PlannedOutput, Problem> {
        let plan = self.analyzed(query, tokens)?;
        let plan = self.optimized(plan, tokens)?;
        Ok(PlannedOutput { plan, output: Output::Collect, tokens: tokens.to_vec() })
    }

    fn finish(self, source: &SourceText) -> Result<(Compiled, Vec<Problem>), Problem> {
        check_kinds(&self.outputs)?;
        let width = self.width()?;
        let environment = Environment {
            connectors: self.options.connectors,
            settings: &self.settings,
            parallelism: width.parallelism,
        };
        let build = |outputs: &[PlannedOutput]| {
            let place = outputs.first().map_or(TextSpan::empty(), |output| span_of(&output.tokens));
            let graph = lower(outputs, &environment).map_err(|problem| problem.or_at(place))?;
            let chained = chain(&graph, width);
            let explanation = Explanation::new(&graph, &chained);
            Ok::<_, Problem>((chained, explanation))
        };
        let mut explains = Vec::new();
        for outputs in &self.explained {
            explains.push(build(outputs)?.1);
        }
        let (mut job, mut plan) = (None, None);
        if !self.outputs.is_empty() {
            let (chained, explanation) = build(&self.outputs)?;
            job = Some(CompiledJob {
                graph: chained.graph,
                parallelism: width.parallelism,
                chains: chained.chains,
                sql: source.text().to_owned(),
            });
            plan = Some(explanation);
        }
        let settings = self.settings.values().clone();
        Ok((Compiled { job, plan, explains, settings, warnings: None }, self.warnings))
    }

    fn width(&self) -> Result<Width, Problem> {
        let parallelism = self.options.parallelism.or(self.settings.parallelism()).unwrap_or(1).max(1);
        let max_parallelism = self.options.max_parallelism.unwrap_or(self.settings.max_parallelism()).max(1);
        if parallelism > max_parallelism {
            let message = format!(
                "the parallelism {parallelism} is greater than the maximum parallelism {max_parallelism}"
            );
            return Err(Problem::new(TextSpan::empty(), message)
                .help("lower the one, or set 'pipeline.max-parallelism' higher before the job first runs"));
        }
        Ok(Width { parallelism, max_parallelism })
    }
}

/// A job is a set of INSERTs or one SELECT.
fn check_kinds(outputs: &[PlannedOutput]) -> Result<(), Problem> {
    let select = outputs.iter().find(|output| matches!(output.output, Output::Collect));
    match select {
        Some(select) if outputs.len() > 1 => Err(Problem::new(
            span_of(select.tokens.get(..1).unwrap_or(&[])),
            "a bare SELECT must be the only query of a job",
        )
        .label("besides another query")
        .help("write INSERT INTO a table before it, or remove it")),
        _ => Ok(()),
    }
}

/// Our own names are better suggestions than the planner's.
fn suggest_function(problem: Problem, functions: &Functions) -> Problem {
    let Some(name) =
        problem.message.strip_prefix("unknown function `").and_then(|rest| rest.strip_suffix('`'))
    else {
        return problem;
    };
    let help = did_you_mean(name, functions.names())
        .map(|help| help.to_uppercase().replace("DID YOU MEAN", "did you mean"));
    Problem { help: None, ..problem }.maybe_help(help)
}
