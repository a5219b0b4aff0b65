// name: enriched-pathways
// topic: Pathways
// about: Gene sets that are enriched in the genes a run attends to for a drug (after: cli enrich).
// param drug: drug, name, alias or id
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: pathway string, source string, test string, score float, overlap integer, q float
MATCH (d:Drug {id: $drug})-[e:ENRICHED]->(p:Pathway)
WHERE e.run_id = $run
RETURN p.name AS pathway, p.source AS source, e.test AS test, e.score AS score, e.overlap AS overlap, e.q AS q
ORDER BY q, pathway, test
LIMIT $limit
