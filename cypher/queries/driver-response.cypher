// name: driver-response
// topic: Drugs of a gene
// about: Drugs whose mean ln IC50 differs most between cell lines with and without a driver event of a gene.
// param gene: gene, symbol
// param kind: string, mutation, gain or loss; default mutation
// param dataset: string, id of the dataset of the responses; default GDSC1
// param least: integer, cell lines with the event that a drug must have been tested on; default 5
// param limit: integer, rows; default 20
// columns: drug string, name string, n_with integer, n_without integer, mean_with float, mean_without float, difference float
MATCH (e:CellLine)-[m:MUTATED|COPY_NUMBER]->(:Gene {id: $gene})
WHERE m.driver = true
  AND CASE WHEN m.value < 0 THEN 'loss' WHEN m.event STARTS WITH 'gain' THEN 'gain' ELSE 'mutation' END = $kind
WITH collect(DISTINCT e.id) AS have
MATCH (d:Drug)-[t:TESTED_ON]->(c:CellLine)
WHERE t.dataset = $dataset AND t.ln_ic50 IS NOT NULL AND c.msi IS NOT NULL
WITH d, t.ln_ic50 AS ln_ic50, c.id IN have AS event
WITH d, count(CASE WHEN event THEN 1 END) AS n_with, count(CASE WHEN event THEN NULL ELSE 1 END) AS n_without,
     avg(CASE WHEN event THEN ln_ic50 END) AS mean_with,
     avg(CASE WHEN event THEN NULL ELSE ln_ic50 END) AS mean_without
WHERE n_with >= $least AND n_without >= $least
RETURN d.id AS drug, d.name AS name, n_with, n_without, mean_with, mean_without,
       mean_with - mean_without AS difference
ORDER BY abs(difference) DESC, drug
LIMIT $limit
