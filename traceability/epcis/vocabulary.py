"""The words of CBV 2.0, and their one normal form: the bare name.

A word comes as ``shipping``, ``cbv:BizStep-shipping``,
``https://ref.gs1.org/cbv/BizStep-shipping`` or ``urn:epcglobal:cbv:bizstep:shipping``;
all are the same word. What is not CBV's stays as it is, such as ``urn:gdst:…``.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from msgspec import Struct


class Vocabulary(Struct, frozen=True):
    """One list of words: its name in web addresses and in URNs, and the words."""

    web: str
    urn: str
    words: frozenset[str]


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


BIZ_STEP: Final = Vocabulary(
    "BizStep",
    "bizstep",
    words(
        "accepting arriving assembling collecting commissioning consigning "
        "creating_class_instance cycle_counting decommissioning departing destroying "
        "disassembling dispensing encoding entering_exiting holding inspecting "
        "installing killing loading other packing picking receiving removing "
        "repackaging repairing replacing reserving retail_selling sampling "
        "sensor_reporting shipping staging_outbound stock_taking stocking storing "
        "transporting unloading unpacking void_shipping"
    ),
)
DISPOSITION: Final = Vocabulary(
    "Disp",
    "disp",
    words(
        "active available completeness_inferred completeness_verified conformant "
        "container_closed container_open damaged destroyed dispensed disposed encoded "
        "expired in_progress in_transit inactive mismatch_class mismatch_instance "
        "mismatch_quantity needs_replacement no_pedigree_match non_conformant "
        "non_sellable_other partially_dispensed recalled reserved retail_sold returned "
        "sellable_accessible sellable_not_accessible stolen unavailable unknown"
    ),
)
TRANSACTION: Final = Vocabulary(
    "BTT",
    "btt",
    words(
        "bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt"
    ),
)
PARTY: Final = Vocabulary("SDT", "sdt", words("owning_party possessing_party location"))
ERROR_REASON: Final = Vocabulary("ER", "er", words("did_not_occur incorrect_data"))
COMPONENT: Final = Vocabulary(
    "Comp",
    "comp",
    words(
        "x y z axial_distance azimuth height spherical_radius polar_angle "
        "elevation_angle easting northing latitude longitude altitude"
    ),
)
MEASUREMENT: Final = Vocabulary(
    "",
    "",
    words(
        "AbsoluteHumidity AbsorbedDose AbsorbedDoseRate Acceleration Altitude "
        "AmountOfSubstance AmountOfSubstancePerUnitVolume Angle AngularAcceleration "
        "AngularMomentum AngularVelocity Area Capacitance Conductance Conductivity "
        "Count Density Dimensionless DoseEquivalent DoseEquivalentRate "
        "DynamicViscosity ElectricCharge ElectricCurrent ElectricCurrentDensity "
        "ElectricFieldStrength Energy Exposure Force Frequency Illuminance Inductance "
        "Irradiance KinematicViscosity Length LinearMomentum Luminance LuminousFlux "
        "LuminousIntensity MagneticFlux MagneticFluxDensity MagneticVectorPotential "
        "Mass MassConcentration MassFlowRate MassPerAreaTime MemoryCapacity "
        "MolalityOfSolute MolarEnergy MolarMass MolarVolume Power Pressure RadiantFlux "
        "RadiantIntensity Radioactivity RelativeHumidity Resistance Resistivity "
        "SolidAngle SpecificVolume Speed SurfaceDensity SurfaceTension Temperature "
        "Time Torque Voltage Volume VolumeFlowRate VolumeFraction VolumetricFlux "
        "Wavenumber"
    ),
)
ALERT: Final = Vocabulary("", "", words("ALARM_CONDITION ERROR_CONDITION"))

WITHDRAWN: Final[Mapping[str, str]] = {
    "Molar_concentration": "AmountOfSubstancePerUnitVolume",
    "EffectiveDose": "DoseEquivalent",
    "EffectiveDoseRate": "DoseEquivalentRate",
}
"""Measurement types of drafts of CBV 2.0 that are still met, and today's names."""

_WEB: Final = r"(?:cbv:|https?://(?:ref|ns)\.gs1\.org/cbv/)"
_GS1: Final = re.compile(
    r"(?:gs1:|https?://(?:www\.)?gs1\.org/voc/)(?:MeasurementType-|SensorAlertType-)?"
)


@lru_cache(maxsize=64)
def _prefix(web: str, urn: str) -> re.Pattern[str]:
    return re.compile(rf"^(?:{_WEB}{web}-|urn:epcglobal:cbv:{urn}:)")


def bare(vocabulary: Vocabulary, text: str) -> str:
    """Return a word's bare name if it is one of the vocabulary's, else the text."""
    if text in vocabulary.words:
        return text
    if vocabulary.web:
        name = _prefix(vocabulary.web, vocabulary.urn).sub("", text)
    else:
        name = _GS1.sub("", text, count=1)
    return name if name in vocabulary.words else text


def web_form(vocabulary: Vocabulary, text: str) -> str:
    """Return a word as the web address that CBV hashes; others' words as they are."""
    name = bare(vocabulary, text)
    if name not in vocabulary.words:
        return text
    if vocabulary.web:
        return f"https://ref.gs1.org/cbv/{vocabulary.web}-{name}"
    return f"https://gs1.org/voc/{name}"
