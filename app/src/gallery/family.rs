//! Which pictures a picture came from, and which came from it.

use std::collections::{HashMap, VecDeque};

use super::error::Result;
use super::index::{Record, State};
use super::layout::PictureId;
use super::recipe::Origin;
use super::store::Gallery;

/// Members of one tree; more would not be seen.
const LIMIT_MEMBERS: usize = 500;
/// Other pictures of the same run beside a picture: with it they are as many as the panel is wide.
const MOST_SIBLINGS: usize = 4;

/// A picture with its ancestors and descendants, and others of the same run beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    pub of: PictureId,
    /// The picture itself among them, the oldest generation first.
    pub members: Vec<Relative>,
    /// There are more than could be shown.
    pub is_cut: bool,
    /// Other pictures of its run, of which only the nearest few are members.
    pub n_siblings: usize,
}

impl Family {
    /// Whether a member is there only because it is of the same run.
    pub fn is_sibling(&self, member: &Relative) -> bool {
        member.generation == 0 && member.id != self.of
    }

    pub fn n_siblings_shown(&self) -> usize {
        let members = self.members.iter();
        members.filter(|member| self.is_sibling(member)).count()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relative {
    pub id: PictureId,
    /// 0 for the picture itself and others of its run, −1 for what it was made from, 1 for what was made from it.
    pub generation: i32,
    /// The pictures that this one was made from, whether or not they are in the tree.
    pub parents: Vec<PictureId>,
    /// How it was made, where that is known.
    pub deed: Option<Origin>,
    /// Its title, else its prompt.
    pub name: String,
    /// A ghost where it is [`State::Missing`]: its thumbnail may be there still.
    pub state: State,
}

impl Gallery {
    /// The family tree of a picture.
    ///
    /// # Errors
    /// Of the index. A picture that nothing is known of is a family of its own.
    pub fn family(&self, id: PictureId) -> Result<Family> {
        let mut generations = HashMap::from([(id, 0)]);
        let mut is_cut = false;
        for step in [-1, 1] {
            let mut next = VecDeque::from([id]);
            while let Some(id) = next.pop_front() {
                let relatives = match step {
                    -1 => self.index.parents(id)?,
                    _ => self.index.children(id)?,
                };
                let generation = generations.get(&id).copied().unwrap_or_default() + step;
                for relative in relatives {
                    // A recipe may name its own child as its parent: each picture has one place.
                    if generations.contains_key(&relative) {
                        continue;
                    }
                    if generations.len() >= LIMIT_MEMBERS {
                        is_cut = true;
                        break;
                    }
                    generations.insert(relative, generation);
                    next.push_back(relative);
                }
            }
        }
        let (siblings, n_siblings) = self.index.run_mates(id, MOST_SIBLINGS)?;
        for sibling in siblings {
            generations.entry(sibling).or_insert(0);
        }
        let members = generations.into_iter();
        let members = members.map(|(id, generation)| self.relative(id, generation));
        let mut members = members.collect::<Result<Vec<_>>>()?;
        members.sort_unstable_by_key(|relative| (relative.generation, relative.id));
        Ok(Family {
            of: id,
            members,
            is_cut,
            n_siblings,
        })
    }

    fn relative(&self, id: PictureId, generation: i32) -> Result<Relative> {
        let record = self.index.record(id)?;
        let recipe = record.as_ref().and_then(|record| record.recipe.as_ref());
        Ok(Relative {
            id,
            generation,
            parents: self.index.parents(id)?,
            deed: recipe.map(|recipe| recipe.deed),
            name: record.as_ref().map(Record::name).unwrap_or_default(),
            state: record.map_or(State::Missing, |record| record.state),
        })
    }
}
