"""Pages of officers and inspectors: areas, dossiers, certificates, duty."""
