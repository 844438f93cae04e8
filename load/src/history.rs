//! A second opinion on what a system did: its transactions as a history of lists, judged by `adya`.
//!
//! Each thing is a list: a transaction appends to some lists, and reads some. From what was read the order of all appends
//! follows, and with it which transaction must have come before which; a cycle is an anomaly that the isolation level
//! forbids. (Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations", VLDB 2020.)
//! It knows nothing of the system's own promises, and the system's ledger knows nothing of it: they have to agree.

use std::time::Duration;

use adya::{
    History, Opts, Valid, Workload, check,
    history::{Interner, Mop, Op, OpType, ReadValue, Scalar},
};

/// The isolation level that a history has to keep: as if one transaction ran after the other, each between its request and
/// its reply.
const LEVEL: &str = "strict-serializable";

/// How long a cycle is looked for in each part of a history.
const SEARCH: Duration = Duration::from_secs(10);

/// What the checker reports where it could not decide.
const UNDECIDED: [&str; 2] = ["empty-transaction-graph", "cycle-search-timeout"];

/// A transaction as its client saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// When it was asked for.
    pub began: Duration,
    /// How it ended.
    pub ending: Ending,
    /// What it did, in order.
    pub parts: Vec<Part>,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its effects are there, since at the latest this moment.
    Committed(Duration),
    /// It had no effect, and its client knew at this moment.
    Aborted(Duration),
    /// Nobody knows.
    Unknown,
}

/// A part of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// An element that no other transaction appends was appended to a list.
    Append {
        /// The list.
        list: String,
        /// The element.
        element: String,
    },
    /// A list had these elements.
    Read {
        /// The list.
        list: String,
        /// The elements, the first first.
        elements: Vec<String>,
    },
}

/// What the checker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Transactions that it judged.
    pub transactions: usize,
    /// Whether it could not decide, because the history has too few reads, or a search took too long.
    pub is_undecided: bool,
    /// The anomalies that it found, the one with the fewest transactions first.
    pub anomalies: Vec<Anomaly>,
}

/// Something that the isolation level forbids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// Its name, as in Adya's and Elle's papers: `G1a`, `G-single-realtime`, `incompatible-order`.
    pub name: String,
    /// The transactions that show it.
    pub transactions: usize,
    /// The proof in words.
    pub witness: String,
}

/// Judges a history of transactions in any order.
pub fn judge(transactions: &[Transaction]) -> Judgement {
    let options = Opts { models: vec![LEVEL.to_owned()], timeout: SEARCH, ..Opts::default() };
    let report = check(&history(transactions), Workload::ListAppend, &options);
    let mut anomalies: Vec<Anomaly> = report
        .anomalies
        .into_values()
        .flatten()
        .filter(|anomaly| !UNDECIDED.contains(&anomaly.kind.as_str()))
        .map(|anomaly| Anomaly {
            name: anomaly.kind,
            transactions: anomaly.ops.len(),
            witness: anomaly.explanation,
        })
        .collect();
    anomalies.sort_by_key(|anomaly| (anomaly.transactions, anomaly.witness.len()));
    if report.valid != Valid::False {
        anomalies.clear();
    }
    let is_undecided = report.valid == Valid::Unknown;
    Judgement { transactions: transactions.len(), is_undecided, anomalies }
}

/// The history in the checker's terms: requests and replies by time, each transaction a client of its own.
///
/// A request at the moment of another's reply comes first, so that equal times claim no order.
fn history(transactions: &[Transaction]) -> History {
    let mut names = Interner::default();
    let mut ops: Vec<(Duration, bool, Op)> = Vec::with_capacity(2 * transactions.len());
    for (client, transaction) in transactions.iter().enumerate() {
        let op = |kind, value: Vec<Mop>| Op {
            index: 0,
            kind,
            process: i64::try_from(client).ok(),
            value,
            time: None,
        };
        let asked: Vec<Mop> = transaction.parts.iter().map(|part| asked(part, &mut names)).collect();
        ops.push((transaction.began, false, op(OpType::Invoke, asked.clone())));
        let (at, ended) = match transaction.ending {
            Ending::Committed(at) => {
                let seen = transaction.parts.iter().map(|part| seen(part, &mut names)).collect();
                (at, op(OpType::Ok, seen))
            }
            Ending::Aborted(at) => (at, op(OpType::Fail, asked)),
            Ending::Unknown => (Duration::MAX, op(OpType::Info, asked)),
        };
        ops.push((at, true, ended));
    }
    ops.sort_by_key(|(at, is_end, _)| (*at, *is_end));
    let ops = ops.into_iter().enumerate();
    let ops = ops.map(|(index, (_, _, op))| Op { index: index as u64, ..op }).collect();
    History::from_ops(ops, names)
}

fn asked(part: &Part, names: &mut Interner) -> Mop {
    match part {
        Part::Append { .. } => seen(part, names),
        Part::Read { list, .. } => Mop::Read { key: id(list, names), value: ReadValue::Nil },
    }
}

fn seen(part: &Part, names: &mut Interner) -> Mop {
    match part {
        Part::Append { list, element } => Mop::Append { key: id(list, names), value: id(element, names) },
        Part::Read { list, elements } => {
            let elements = elements.iter().map(|element| id(element, names)).collect();
            Mop::Read { key: id(list, names), value: ReadValue::List(elements) }
        }
    }
}

fn id(name: &str, names: &mut Interner) -> u32 {
    names.intern(Scalar::Str(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transaction(began: u64, ending: Ending, parts: Vec<Part>) -> Transaction {
        Transaction { began: Duration::from_millis(began), ending, parts }
    }

    fn at(millis: u64) -> Ending {
        Ending::Committed(Duration::from_millis(millis))
    }

    fn append(list: &str, element: &str) -> Part {
        Part::Append { list: list.to_owned(), element: element.to_owned() }
    }

    fn read(list: &str, elements: &[&str]) -> Part {
        let elements = elements.iter().map(|&element| element.to_owned()).collect();
        Part::Read { list: list.to_owned(), elements }
    }

    /// Two orders of two products, then a read of both.
    fn sold(reads: Vec<Part>) -> Vec<Transaction> {
        vec![
            transaction(0, at(10), vec![append("tea", "order 1"), append("cup", "order 1")]),
            transaction(20, at(30), vec![append("tea", "order 2"), append("cup", "order 2")]),
            transaction(40, at(50), reads),
        ]
    }

    #[test]
    fn one_after_the_other_is_strictly_serializable() {
        let history = sold(vec![read("tea", &["order 1", "order 2"]), read("cup", &["order 1", "order 2"])]);
        let judgement = judge(&history);
        assert_eq!(judgement, Judgement { transactions: 3, is_undecided: false, anomalies: vec![] });
    }

    #[test]
    fn what_was_acknowledged_and_is_not_there_is_an_anomaly_with_its_witness() {
        let judgement = judge(&sold(vec![read("tea", &["order 1"]), read("cup", &["order 1", "order 2"])]));
        let first = &judgement.anomalies[0];
        assert!(first.transactions <= 2, "{judgement:?}");
        assert!(first.witness.contains("order 2"), "{judgement:?}");
    }

    #[test]
    fn a_part_of_a_transaction_is_an_anomaly() {
        let history = vec![
            transaction(0, at(100), vec![append("tea", "order 1"), append("cup", "order 1")]),
            transaction(10, at(20), vec![read("tea", &["order 1"]), read("cup", &[])]),
            transaction(200, at(210), vec![read("tea", &["order 1"]), read("cup", &["order 1"])]),
        ];
        assert!(!judge(&history).anomalies.is_empty());
    }

    #[test]
    fn an_order_that_was_refused_and_is_there_all_the_same_is_an_anomaly() {
        let refused = Ending::Aborted(Duration::from_millis(10));
        let history = vec![
            transaction(0, refused, vec![append("tea", "order 1")]),
            transaction(20, at(30), vec![read("tea", &["order 1"])]),
        ];
        assert_eq!(judge(&history).anomalies[0].name, "G1a");
    }

    #[test]
    fn what_nobody_knows_may_be_there_or_not() {
        for elements in [&[][..], &["order 1"]] {
            let history = vec![
                transaction(0, Ending::Unknown, vec![append("tea", "order 1")]),
                transaction(0, at(10), vec![append("tea", "order 2")]),
                transaction(20, at(30), vec![read("tea", &[elements, &["order 2"]].concat())]),
            ];
            assert_eq!(judge(&history).anomalies, vec![], "{elements:?}");
        }
    }

    #[test]
    fn a_reply_and_a_request_of_the_same_moment_are_in_no_order() {
        let history = vec![
            transaction(0, at(10), vec![append("tea", "order 1")]),
            transaction(10, at(20), vec![read("tea", &[])]),
            transaction(30, at(40), vec![read("tea", &["order 1"])]),
        ];
        assert_eq!(judge(&history).anomalies, vec![]);
    }
}
