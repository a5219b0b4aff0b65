// name: targeted-by
// topic: Drugs of a gene
// about: Drugs that are known to act on a gene's product.
// param gene: gene, HGNC symbol
// param limit: integer, rows; default 100
// columns: drug string, name string, action string, source string, dataset string
MATCH (d:Drug)-[t:TARGETS]->(:Gene {id: $gene})
RETURN d.id AS drug, d.name AS name, t.action AS action, t.source AS source, t.dataset AS dataset
ORDER BY drug, dataset
LIMIT $limit
