-- A table that was built before there were lists has the texts alone.
select * replace (
    case
        when disease is not null
            then coalesce(disease_list, [disease::varchar])
    end as disease_list,
    case
        when disease_ontology_term_id is not null
            then coalesce(disease_ontology_term_id_list, [disease_ontology_term_id::varchar])
    end as disease_ontology_term_id_list,
    case
        when self_reported_ethnicity is not null
            then coalesce(self_reported_ethnicity_list, [self_reported_ethnicity::varchar])
    end as self_reported_ethnicity_list,
    case
        when self_reported_ethnicity_ontology_term_id is not null
            then coalesce(
                self_reported_ethnicity_ontology_term_id_list,
                [self_reported_ethnicity_ontology_term_id::varchar]
            )
    end as self_reported_ethnicity_ontology_term_id_list
)
from files.cell_metadata
