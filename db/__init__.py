"""What is kept: models, encryption, roles, migrations and reference data files."""
