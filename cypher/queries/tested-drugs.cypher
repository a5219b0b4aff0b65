// name: tested-drugs
// topic: A cell line
// about: Measured responses of a cell line over drugs, beside the drug's mean over all cell lines of the dataset.
// param cell_line: cell_line, name, alias or id
// param limit: integer, rows; default 2000
// columns: drug string, name string, dataset string, ln_ic50 float, drug_mean float, difference float, response integer
MATCH (c:CellLine {id: $cell_line})<-[t:TESTED_ON]-(d:Drug)
WITH d, t.dataset AS dataset, t.ln_ic50 AS ln_ic50, t.response AS response
OPTIONAL MATCH (d)-[o:TESTED_ON]->(:CellLine)
WHERE o.dataset = dataset
WITH d, dataset, ln_ic50, response, avg(o.ln_ic50) AS drug_mean
RETURN d.id AS drug, d.name AS name, dataset, ln_ic50, drug_mean, ln_ic50 - drug_mean AS difference, response
ORDER BY dataset, CASE WHEN difference IS NULL THEN 1 ELSE 0 END, difference, response DESC, drug
LIMIT $limit
