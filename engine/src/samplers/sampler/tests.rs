#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn every_name_leads_back_to_its_sampler() {
    for row in ROWS {
        assert_eq!(row.sampler.info(), &row);
        // Recipes on disk and cards are read by serde.
        let json = serde_json::to_value(row.sampler).unwrap();
        assert_eq!(json, row.id);
        assert_eq!(row.id.parse::<Sampler>().unwrap(), row.sampler);
        let foreign = |name| Sampler::from_foreign(name, None);
        assert_eq!(
            foreign(row.a1111_name),
            Some((row.sampler, None)),
            "{row:?}"
        );
        assert_eq!(foreign(row.id), Some((row.sampler, None)), "{row:?}");
        let (class, algorithm) = (row.diffusers_class, row.diffusers_algorithm);
        let karras = row.karras == Some(true);
        let read = Sampler::from_diffusers(class, algorithm, karras);
        assert_eq!(read, Some(row.sampler), "{row:?}");
    }
    for (i, row) in ROWS.iter().enumerate() {
        for other in &ROWS[..i] {
            let shared = row
                .aliases
                .iter()
                .find(|alias| other.aliases.contains(alias));
            assert!(other.id != row.id, "{row:?}");
            assert!(shared.is_none() || other.karras != row.karras, "{row:?}");
            let both = |class: &&&str| other.stands_in_for.contains(*class);
            assert_eq!(row.stands_in_for.iter().find(both), None, "{row:?}");
        }
    }
}

#[test]
fn other_programs_names_are_known() {
    let karras = Some(Spacing::Karras);
    for (name, spacing, expected) in [
        (
            "DPM++ 2M",
            Some("Karras"),
            Some((Sampler::Dpmpp2mKarras, None)),
        ),
        ("dpmpp_2m_k", None, Some((Sampler::Dpmpp2mKarras, None))),
        (
            "dpmpp_2m",
            Some("normal"),
            Some((Sampler::Dpmpp2m, Some(Spacing::Linspace))),
        ),
        (
            "DPM++ 2M SDE Karras",
            None,
            Some((Sampler::Dpmpp2mSde, karras)),
        ),
        (
            "DPM++ SDE",
            Some("Karras"),
            Some((Sampler::DpmppSde, karras)),
        ),
        (
            "dpmpp_2m_sde_gpu",
            Some("karras"),
            Some((Sampler::Dpmpp2mSde, karras)),
        ),
        ("dpmpp_sde_k", None, Some((Sampler::DpmppSde, karras))),
        (
            "DPM++ 2M SDE Exponential",
            None,
            Some((Sampler::Dpmpp2mSde, Some(Spacing::Exponential))),
        ),
        ("Euler", Some("karras"), Some((Sampler::Euler, karras))),
        (
            "Euler a",
            Some("Automatic"),
            Some((Sampler::EulerAncestral, None)),
        ),
        (
            "uni_pc_bh2",
            Some("sgm_uniform"),
            Some((Sampler::UniPc, Some(Spacing::SgmUniform))),
        ),
        (
            "euler_ancestral",
            None,
            Some((Sampler::EulerAncestral, None)),
        ),
        (
            "ddim",
            Some("ddim_uniform"),
            Some((Sampler::Ddim, Some(Spacing::Leading))),
        ),
        ("ddim", Some("karras"), Some((Sampler::Ddim, None))),
        ("lcm", Some("sgm_uniform"), Some((Sampler::Lcm, None))),
        ("Restart", None, None),
        ("", None, None),
    ] {
        assert_eq!(Sampler::from_foreign(name, spacing), expected, "{name}");
    }
}

#[test]
fn classes_that_are_not_here_have_a_nearest_one() {
    for (class, algorithm, karras, expected) in [
        ("PNDMScheduler", None, false, Some(Sampler::Ddim)),
        ("LMSDiscreteScheduler", None, true, Some(Sampler::Euler)),
        (
            "DEISMultistepScheduler",
            Some("deis"),
            false,
            Some(Sampler::Dpmpp2m),
        ),
        (
            "DPMSolverMultistepScheduler",
            None,
            false,
            Some(Sampler::Dpmpp2m),
        ),
        (
            "DPMSolverMultistepScheduler",
            Some("dpmsolver"),
            false,
            Some(Sampler::Dpmpp2m),
        ),
        (
            "DPMSolverMultistepScheduler",
            Some("sde-dpmsolver++"),
            true,
            Some(Sampler::Dpmpp2mSde),
        ),
        ("FlowMatchEulerDiscreteScheduler", None, false, None),
    ] {
        let read = Sampler::from_diffusers(class, algorithm, karras);
        assert_eq!(read, expected, "{class} {algorithm:?}");
    }
}

#[test]
fn a_card_may_not_name_another() {
    let error = "k_euler".parse::<Sampler>().unwrap_err().to_string();
    assert!(error.contains("dpmpp_2m_karras"), "{error}");
    assert!(Sampler::choices().ends_with("`lcm` or `tcd`"));
}
