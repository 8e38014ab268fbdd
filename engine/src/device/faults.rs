//! Faults of a device on demand, for tests: out of memory and lost devices come on real ones when they like.
//!
//! The file that `LIMN_FAULT_FILE` names holds one plan, which a gate takes with the file: `unet 2 out-of-memory` lets
//! the U-Net be read twice and fails it for ever after, `readback 7 device-lost once` fails the eighth readback alone.

use std::{cell::RefCell, path::PathBuf};

use crate::{Error, Result};

const VARIABLE: &str = "LIMN_FAULT_FILE";
const READBACK: &str = "readback";

#[derive(Debug, Clone)]
struct Plan {
    /// A component's name, or [`READBACK`].
    gate: String,
    /// How often the gate still lets through.
    n_passing: u32,
    /// How often it fails then; for ever without a number.
    n_failing: Option<u32>,
    fault: Fault,
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    OutOfMemory,
    DeviceLost,
}

thread_local! {
    static PLAN: RefCell<Option<Plan>> = const { RefCell::new(None) };
}

pub(super) fn at_allocation(component: &str) -> Result<()> {
    at(component)
}

pub(super) fn at_readback() -> Result<()> {
    at(READBACK)
}

fn at(gate: &str) -> Result<()> {
    PLAN.with_borrow_mut(|plan| {
        if let Some(new) = taken_from_file() {
            *plan = Some(new);
        }
        let Some(Plan {
            n_passing,
            n_failing,
            fault,
            ..
        }) = plan.as_mut().filter(|plan| plan.gate == gate)
        else {
            return Ok(());
        };
        if let Some(left) = n_passing.checked_sub(1) {
            *n_passing = left;
            return Ok(());
        }
        if let Some(n_failing) = n_failing {
            let Some(left) = n_failing.checked_sub(1) else {
                return Ok(());
            };
            *n_failing = left;
        }
        Err(match fault {
            Fault::OutOfMemory => Error::OutOfMemory("injected: out of memory".to_owned()),
            Fault::DeviceLost => Error::Device("injected: device lost".to_owned()),
        })
    })
}

/// The file is gone then: the engine that comes after this one is sound.
fn taken_from_file() -> Option<Plan> {
    let path = PathBuf::from(std::env::var_os(VARIABLE)?);
    let text = std::fs::read_to_string(&path).ok()?;
    let plan = parsed(&text)?;
    std::fs::remove_file(&path).ok()?;
    Some(plan)
}

fn parsed(text: &str) -> Option<Plan> {
    let mut words = text.split_whitespace();
    Some(Plan {
        gate: words.next()?.to_owned(),
        n_passing: words.next()?.parse().ok()?,
        fault: match words.next()? {
            "out-of-memory" => Fault::OutOfMemory,
            "device-lost" => Fault::DeviceLost,
            _ => return None,
        },
        n_failing: match words.next() {
            None => None,
            Some("once") => Some(1),
            Some(times) => Some(times.parse().ok()?),
        },
    })
}
