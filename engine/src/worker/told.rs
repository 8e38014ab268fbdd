use crate::{
    Result,
    progress::{OnEvent, PipelineEvent},
};

/// What a job has told, so that it can begin anew without telling it twice.
#[derive(Debug, Default)]
pub(super) struct Told {
    has_planned: bool,
    n_pictures: u32,
}

impl Told {
    pub fn pass(&mut self, event: PipelineEvent, on_event: &mut OnEvent) -> Result<()> {
        match &event {
            PipelineEvent::Planned(_) if std::mem::replace(&mut self.has_planned, true) => {
                return Ok(());
            }
            PipelineEvent::Picture(picture) if picture.index < self.n_pictures => return Ok(()),
            PipelineEvent::Picture(picture) => self.n_pictures = picture.index + 1,
            _ => {}
        }
        on_event(event)
    }
}
